"""What is done to so many rows at once is done to no more, however PostgreSQL plans it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from application.unit_of_work import UnitOfWork
from domain.notifications.notification import Broadcast
from tests.contracts.builders import NOW, SECOND, a_job, a_notification, a_session, a_user, add, add_jobs, an_event
from tests.contracts.plans import Asked
from tests.stores import POSTGRESQL, Store, database_url, opened_at

NOTHING_KEPT = {f"enable_{way}": "off" for way in ("hashjoin", "mergejoin", "hashagg", "material", "memoize", "sort")}
"""So plans PostgreSQL where it takes a table for one of a single row: by going through a subquery again and again."""

ROWS = 5

Act = Callable[[UnitOfWork], Awaitable[int]]


@pytest.fixture
async def crowded(tmp_path: Path) -> AsyncIterator[Store]:
    """With some of everything that is worked off by and by, the oldest first."""
    url = database_url(POSTGRESQL, tmp_path)
    assert url is not None
    planning_so = make_url(url).update_query_dict(NOTHING_KEPT).render_as_string(hide_password=False)
    async with opened_at(POSTGRESQL, planning_so) as store:
        user = a_user()
        times = [NOW - (ROWS - n) * SECOND for n in range(ROWS)]
        await add(store, user, sessions=[a_session(user, expires_at=time) for time in times])
        await add_jobs(store, *(a_job(created_at=time, due_at=time) for time in times))
        async with store.transactions.begin() as uow:
            for time in times:
                await uow.jobs.add(a_job("done", created_at=time).succeeded(time))
                await uow.events.add(an_event(at=time))
                await uow.notifications.add(a_notification(user, created_at=time))
                await uow.broadcasts.add(Broadcast(id=uuid4(), title="News", body="For all", created_at=time))
        yield store


async def claim(uow: UnitOfWork) -> int:
    return len(await uow.jobs.claim(("work",), NOW, lease_id=uuid4(), until=NOW + SECOND, limit=1))


async def remove_jobs(uow: UnitOfWork) -> int:
    return await uow.jobs.remove_finished(NOW, deliveries_before=NOW, set_aside_before=NOW, limit=1)


async def remove_events(uow: UnitOfWork) -> int:
    return await uow.events.remove_before(NOW, limit=1)


async def remove_notifications(uow: UnitOfWork) -> int:
    return await uow.notifications.remove_old(read_before=NOW, before=NOW, limit=1)


async def remove_broadcasts(uow: UnitOfWork) -> int:
    return await uow.broadcasts.remove_before(NOW, limit=1)


async def remove_sessions(uow: UnitOfWork) -> int:
    return await uow.sessions.remove_expired(NOW)


ONE_AT_A_TIME = [claim, remove_jobs, remove_events, remove_notifications, remove_broadcasts]


@pytest.mark.parametrize("act", ONE_AT_A_TIME, ids=lambda act: act.__name__)
async def test_a_limit_is_kept(crowded: Store, act: Act) -> None:
    for expected in (*[1] * ROWS, 0):
        async with crowded.transactions.begin() as uow:
            assert await act(uow) == expected


@pytest.mark.parametrize("act", [*ONE_AT_A_TIME, remove_sessions], ids=lambda act: act.__name__)
async def test_what_it_is_done_to_is_looked_up_once(crowded: Store, act: Act) -> None:
    asked = Asked.on(crowded.engine)

    async def act_and_leave_it() -> None:
        async with crowded.transactions.begin() as uow:
            await act(uow)
            raise LookupError

    with pytest.raises(LookupError):
        await act_and_leave_it()
    asked.statements[:] = asked.statements[:1]
    limits = [step for step in (await asked.done()).steps if step["Node Type"] == "Limit"]
    assert [step["Actual Loops"] for step in limits] == [1]

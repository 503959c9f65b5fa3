"""Jobs: found when they are due, held by a lease, settled once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from adapters.wake_ups import Bell
from application.jobs.views import Backlog, JobFilters, JobView
from domain.errors import Conflict
from domain.jobs.job import Job, Progress, Status
from tests.contracts.builders import NOW, SECOND, a_job, a_user, add, add_jobs, an_event, stored_job
from tests.stores import POSTGRESQL, Store

LEASE = 30 * SECOND


async def claim(
    store: Store, *kinds: str, now: datetime = NOW, lease_id: UUID | None = None, limit: int = 10
) -> Sequence[Job]:
    async with store.transactions.begin() as uow:
        return await uow.jobs.claim(
            kinds or ("work",), now, lease_id=lease_id or uuid4(), until=now + LEASE, limit=limit
        )


async def settle(store: Store, job: Job, lease_id: UUID | None) -> bool:
    """Whether the lease held."""
    assert lease_id is not None
    async with store.transactions.begin() as uow:
        return await uow.jobs.settle(job, lease_id) is not None


async def save(store: Store, job: Job) -> None:
    async with store.transactions.begin() as uow:
        await uow.jobs.save(job)


async def test_a_job_is_found_as_it_was_left(store: Store) -> None:
    user = a_user()
    await add(store, user)
    left = a_job(
        args={"names": ["ä", "\U0001f600"], "n": 1, "none": None}, owner_id=user.id, unique_key="only", due_at=NOW
    )
    await add_jobs(store, left)
    assert await stored_job(store, left.id) == left
    assert await stored_job(store, uuid4()) is None
    assert await store.jobs.job(left.id) == JobView.of(left)


async def test_many_are_left_at_once_less_those_that_are_there(store: Store) -> None:
    taken, *others = (a_job(unique_key=f"k{n}", args={"n": n}, due_at=NOW + n * SECOND) for n in range(4))
    await add_jobs(store, taken)
    double = a_job(unique_key="k0")
    for jobs in ([], [others[0]], [double, *others[1:]]):
        async with store.transactions.begin() as uow:
            await uow.jobs.add_all(jobs)
    for job in (taken, *others):
        assert await stored_job(store, job.id) == job
    async with store.transactions.begin() as uow:
        assert await uow.jobs.get(double.id) is None


async def test_what_was_rolled_back_was_never_left(store: Store) -> None:
    job = a_job()

    async def leave_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.jobs.add(job)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave_and_fail()
    assert await claim(store) == []
    assert await store.jobs.count_jobs(JobFilters()) == 0


async def test_it_is_claimed_when_it_is_due_by_who_knows_its_kind(store: Store) -> None:
    early, late, foreign = (
        a_job(due_at=NOW - SECOND),
        a_job(due_at=NOW + SECOND),
        a_job("foreign", due_at=NOW - 2 * SECOND, created_at=NOW - SECOND),
    )
    await add_jobs(store, late, early, foreign)
    lease_id = uuid4()
    claimed = await claim(store, lease_id=lease_id)
    assert claimed == [early.claimed(NOW, lease_id, NOW + LEASE)]
    assert await stored_job(store, early.id) == claimed[0]
    assert [job.id for job in await claim(store, "work", "foreign", now=NOW + SECOND)] == [foreign.id, late.id]


async def test_the_ones_due_longest_come_first_and_not_more_than_asked_for(store: Store) -> None:
    jobs = [a_job(due_at=NOW - n * SECOND, created_at=NOW - n * SECOND) for n in range(5)]
    await add_jobs(store, *jobs)
    assert [job.id for job in await claim(store, limit=2)] == [jobs[4].id, jobs[3].id]
    assert [job.id for job in await claim(store, limit=9)] == [jobs[2].id, jobs[1].id, jobs[0].id]


async def test_nobody_gets_what_is_held_until_the_lease_ends(store: Store) -> None:
    await add_jobs(store, a_job())
    (first,) = await claim(store)
    assert await claim(store, now=NOW + LEASE - SECOND) == []
    (second,) = await claim(store, now=NOW + LEASE)
    assert (second.id, second.attempts, second.strikes) == (first.id, 2, 2)
    assert second.lease_id != first.lease_id


async def test_of_many_who_claim_at_once_each_job_has_one(store: Store) -> None:
    jobs = [a_job() for _ in range(40)]
    await add_jobs(store, *jobs)
    claimed = await asyncio.gather(*(claim(store, limit=10) for _ in range(8)))
    found = [job.id for batch in claimed for job in batch]
    assert len(found) == len(set(found))
    # whoever passed over rows that others were just taking may have found none; the rest is there for the next
    rest = [job.id for job in await claim(store, limit=40)]
    assert set(found) | set(rest) == {job.id for job in jobs}
    assert store.name == POSTGRESQL or not rest


async def test_who_holds_it_settles_it_once(store: Store) -> None:
    await add_jobs(store, a_job())
    (held,) = await claim(store)
    done = replace(held.succeeded(NOW + SECOND, {"rows": [1, None]}), progress=Progress(3, 4, 1))
    assert not await settle(store, done, uuid4())
    assert await settle(store, done, held.lease_id)
    assert await stored_job(store, held.id) == done
    assert not await settle(store, held.failed(NOW, "too late"), held.lease_id)
    assert await stored_job(store, held.id) == done


async def test_who_lost_the_lease_changes_nothing(store: Store) -> None:
    await add_jobs(store, a_job())
    (lost,) = await claim(store)
    (held,) = await claim(store, now=NOW + LEASE)
    assert lost.lease_id is not None
    assert held.lease_id is not None
    async with store.transactions.begin() as uow:
        assert await uow.jobs.settle(lost.succeeded(NOW), lost.lease_id) is None
        assert await uow.jobs.succeed([(lost.id, lost.lease_id)], NOW) == set()
        assert await uow.jobs.note_progress(lost.id, lost.lease_id, Progress(1)) is None
        assert await uow.jobs.hold([(lost.id, lost.lease_id)], NOW + 9 * LEASE) == {}
    assert await stored_job(store, held.id) == held


async def test_many_are_settled_at_once(store: Store) -> None:
    await add_jobs(store, *(a_job() for _ in range(4)))
    held = await claim(store)
    leases = [(job.id, job.lease_id) for job in held if job.lease_id is not None]
    foreign = (leases[3][0], uuid4())
    async with store.transactions.begin() as uow:
        assert await uow.jobs.succeed([*leases[:3], foreign], NOW + SECOND) == {job.id for job in held[:3]}
    for job in held[:3]:
        assert await stored_job(store, job.id) == job.succeeded(NOW + SECOND)
    assert await stored_job(store, held[3].id) == held[3]


async def test_a_lease_is_renewed_and_tells_of_a_wish_to_stop(store: Store) -> None:
    await add_jobs(store, a_job(), a_job())
    held = await claim(store)
    async with store.transactions.begin() as uow:
        await uow.jobs.save(held[0].asked_to_stop(NOW))
    leases = [(job.id, job.lease_id) for job in held if job.lease_id is not None]
    async with store.transactions.begin() as uow:
        assert await uow.jobs.hold(leases, NOW + 2 * LEASE) == {held[0].id: True, held[1].id: False}
    assert await claim(store, now=NOW + LEASE) == []
    assert len(await claim(store, now=NOW + 2 * LEASE)) == 2


async def test_a_wish_to_stop_is_told_with_the_outcome_and_outlives_it(store: Store) -> None:
    await add_jobs(store, a_job(), a_job())
    asked, not_asked = await claim(store)
    await save(store, asked.asked_to_stop(NOW))
    assert asked.lease_id is not None
    assert not_asked.lease_id is not None
    async with store.transactions.begin() as uow:
        assert await uow.jobs.settle(asked.put_back(NOW), asked.lease_id) is True
        assert await uow.jobs.settle(not_asked.put_back(NOW), not_asked.lease_id) is False
    assert await stored_job(store, asked.id) == replace(asked.put_back(NOW), cancel_requested=True)


async def test_progress_is_seen_while_it_is_made(store: Store) -> None:
    await add_jobs(store, a_job())
    (held,) = await claim(store)
    assert held.lease_id is not None
    async with store.transactions.begin() as uow:
        assert await uow.jobs.note_progress(held.id, held.lease_id, Progress(2, None, 1)) is False
    assert await store.jobs.job(held.id) == JobView.of(replace(held, progress=Progress(2, None, 1)))


async def test_one_unfinished_job_has_the_key(store: Store) -> None:
    first, second = a_job(unique_key="sweep"), a_job(unique_key="sweep")
    async with store.transactions.begin() as uow:
        assert await uow.jobs.add(first)
        assert not await uow.jobs.add(second)
        assert await uow.jobs.add(a_job(unique_key="other"))
    assert await stored_job(store, second.id) is None
    (held,) = [job for job in await claim(store) if job.id == first.id]
    async with store.transactions.begin() as uow:
        assert not await uow.jobs.add(second)
    assert await settle(store, held.failed(NOW, "no"), held.lease_id)
    async with store.transactions.begin() as uow:
        assert await uow.jobs.add(second)
    failed = await stored_job(store, first.id)
    assert failed is not None
    with pytest.raises(Conflict) as refused:
        await save(store, failed.retried(NOW))
    assert refused.value.code == "job-unfinished"


async def test_of_many_who_plan_the_same_one_does(store: Store) -> None:
    async def plan() -> bool:
        async with store.transactions.begin() as uow:
            return await uow.jobs.add(a_job(unique_key="sweep"))

    assert sum(await asyncio.gather(*(plan() for _ in range(10)))) == 1
    assert await store.jobs.count_jobs(JobFilters()) == 1


async def test_a_delivery_comes_with_its_event(store: Store) -> None:
    emitted = an_event()
    async with store.transactions.begin() as uow:
        await uow.events.add(emitted)
        await uow.jobs.add(a_job("mail", emitted=emitted))
        await uow.jobs.add(a_job("tell", emitted=emitted))
    claimed = await claim(store, "mail", "tell")
    assert [job.emitted for job in claimed] == [emitted, emitted]
    loaded = await stored_job(store, claimed[0].id)
    assert loaded is not None
    assert loaded.emitted == emitted
    assert await store.jobs.job(claimed[0].id) is None
    assert await store.jobs.count_jobs(JobFilters()) == 0


async def test_an_event_is_stored_with_its_deliveries(store: Store) -> None:
    emitted, mail, tell = an_event(), uuid4(), uuid4()
    async with store.transactions.begin() as uow:
        await uow.events.add(emitted, {"mail": mail, "tell": tell})
    for job_id, reaction in ((mail, "mail"), (tell, "tell")):
        assert await stored_job(store, job_id) == Job.delivering(emitted, id=job_id, to=reaction)
    assert {job.id for job in await claim(store, "mail", "tell")} == {mail, tell}


async def test_whoever_waits_for_work_hears_of_the_deliveries_of_an_event(store: Store) -> None:
    waiting = asyncio.create_task(store.wake_ups.wait(5))
    await asyncio.sleep(0.2)  # until it listens
    async with store.transactions.begin() as uow:
        await uow.events.add(an_event(), {"mail": uuid4()})
    async with asyncio.timeout(2):
        await waiting


async def test_what_failed_for_good_is_listed_as_set_aside(store: Store) -> None:
    emitted = an_event()
    async with store.transactions.begin() as uow:
        await uow.events.add(emitted)
        for kind in ("mail", "tell", "push"):
            await uow.jobs.add(a_job(kind, emitted=emitted))
    await add_jobs(store, a_job())
    jobs = {job.kind: job for job in await claim(store, "mail", "tell", "push", "work")}
    assert await settle(store, jobs["mail"].failed(NOW, "refused"), jobs["mail"].lease_id)
    assert await settle(store, jobs["tell"].succeeded(NOW), jobs["tell"].lease_id)
    dead = replace(jobs["push"], strikes=8).struck(NOW + SECOND, "boom \0", 0)
    assert await settle(store, dead, jobs["push"].lease_id)
    assert await settle(store, jobs["work"].failed(NOW, "no delivery"), jobs["work"].lease_id)
    rows = [row.value for row in await store.jobs.failed_deliveries(after=None, offset=0, limit=9)]
    assert [(row.reaction, row.event, row.event_id, row.failed_at) for row in rows] == [
        ("push", "email.verified", emitted.id, NOW + SECOND),
        ("mail", "email.verified", emitted.id, NOW),
    ]
    assert rows[1].error == "refused"
    assert await store.jobs.count_failed_deliveries() == 2


async def test_lists_are_newest_first_and_filtered(store: Store) -> None:
    user = a_user()
    await add(store, user)
    jobs = [a_job(f"kind{n % 2}", created_at=NOW + n * SECOND, owner_id=user.id if n < 2 else None) for n in range(5)]
    await add_jobs(store, *jobs)
    await claim(store, "kind0", limit=1)

    async def ids(filters: JobFilters, **page: int) -> list[UUID]:
        rows = await store.jobs.jobs(filters, after=None, offset=page.get("offset", 0), limit=page.get("limit", 9))
        assert await store.jobs.count_jobs(filters) >= len(rows)
        return [row.value.id for row in rows]

    assert await ids(JobFilters()) == [job.id for job in reversed(jobs)]
    assert await ids(JobFilters(), offset=1, limit=2) == [jobs[3].id, jobs[2].id]
    assert await ids(JobFilters(user_id=user.id)) == [jobs[1].id, jobs[0].id]
    assert await ids(JobFilters(kind="kind1")) == [jobs[3].id, jobs[1].id]
    assert await ids(JobFilters(kind="no\0such")) == []
    assert len(await ids(JobFilters(status=Status.RUNNING))) == 1
    first = (await store.jobs.jobs(JobFilters(), after=None, offset=0, limit=2))[-1]
    following = await store.jobs.jobs(JobFilters(), after=first.position, offset=0, limit=2)
    assert [row.value.id for row in following] == [jobs[2].id, jobs[1].id]


async def test_the_backlog_is_what_is_due(store: Store) -> None:
    assert await store.jobs.backlog(NOW) == Backlog(0, None, 0, 0)
    await add_jobs(store, a_job(due_at=NOW - SECOND), a_job(due_at=NOW), a_job(due_at=NOW + SECOND))
    assert await store.jobs.backlog(NOW) == Backlog(2, NOW - SECOND, 0, 0)
    await add_jobs(store, a_job(due_at=NOW + SECOND, attempts=1), a_job(attempts=1).succeeded(NOW))
    assert await store.jobs.backlog(NOW) == Backlog(2, NOW - SECOND, 1, 0)


async def test_what_is_done_is_swept_after_its_time_and_events_after_their_deliveries(store: Store) -> None:
    emitted = an_event(at=NOW - 90 * SECOND)
    async with store.transactions.begin() as uow:
        await uow.events.add(emitted)
        await uow.events.add(an_event(at=NOW - 90 * SECOND))
        await uow.jobs.add(a_job("done", emitted=emitted).succeeded(NOW - 60 * SECOND))
        await uow.jobs.add(a_job("aside", emitted=emitted).failed(NOW - 60 * SECOND, "no"))
        await uow.jobs.add(a_job("old").succeeded(NOW - 60 * SECOND))
        await uow.jobs.add(a_job("new").succeeded(NOW))
        await uow.jobs.add(a_job("waiting", due_at=NOW - 99 * SECOND))
    async with store.transactions.begin() as uow:
        never, late, soon = NOW - 999 * SECOND, NOW - 61 * SECOND, NOW - SECOND
        sweep, events = uow.jobs.remove_finished, uow.events.remove_before
        assert await sweep(soon, deliveries_before=soon, set_aside_before=never, limit=0) == 0
        assert await sweep(soon, deliveries_before=late, set_aside_before=never, limit=9) == 1
        assert await sweep(soon, deliveries_before=soon, set_aside_before=never, limit=9) == 1
        assert await events(soon, limit=0) == 0
        assert await events(soon, limit=9) == 1
    rows = await store.jobs.jobs(JobFilters(), after=None, offset=0, limit=9)
    assert {row.value.kind for row in rows} == {"new", "waiting"}
    assert await store.jobs.count_failed_deliveries() == 1
    async with store.transactions.begin() as uow:
        assert await uow.jobs.remove_finished(never, deliveries_before=never, set_aside_before=soon, limit=9) == 1
        assert await uow.events.remove_before(soon, limit=9) == 1


@pytest.mark.parametrize(
    "damage", ["UPDATE events SET data = 'no JSON'", "UPDATE jobs SET args = 'no JSON' WHERE kind = 'tell'"]
)
async def test_a_row_that_was_damaged_keeps_nobody_from_the_others(database: Store, damage: str) -> None:
    event = an_event()
    async with database.transactions.begin() as uow:
        await uow.events.add(event)
        await uow.jobs.add(a_job("tell", emitted=event))
    await add_jobs(database, a_job())
    assert database.engine is not None
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql(damage)
    assert [job.kind for job in await claim(database, "work", "tell")] == ["work"]


async def test_jobs_of_a_member_go_with_the_member(store: Store) -> None:
    user = a_user()
    await add(store, user)
    job = a_job(owner_id=user.id)
    await add_jobs(store, job, a_job())
    async with store.transactions.begin() as uow:
        await uow.users.remove(user.id)
    assert await stored_job(store, job.id) is None
    assert await store.jobs.count_jobs(JobFilters()) == 1


async def test_who_waits_hears_of_a_job_once_it_is_committed(store: Store) -> None:
    began = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(store.wake_ups.wait(20))
    await asyncio.sleep(0.3 if store.name == POSTGRESQL else 0.01)
    async with store.transactions.begin() as uow:
        await uow.sessions.remove_expired(NOW)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await add_jobs(store, a_job())
    await waiting
    assert asyncio.get_running_loop().time() - began < 10


@pytest.mark.parametrize("ticks", range(5))
async def test_who_is_cancelled_while_the_bell_rings_is_cancelled(store: Store, ticks: int) -> None:
    """A worker that is told to stop just then would go on listening for ever."""
    assert isinstance(store.wake_ups, Bell)

    async def listen() -> None:
        while True:
            await store.wake_ups.wait(20)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.01)
    store.wake_ups.ring()
    for _ in range(ticks):
        await asyncio.sleep(0)
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=1)
    assert done


async def test_nobody_is_woken_by_what_was_rolled_back(store: Store) -> None:
    waiting = asyncio.create_task(store.wake_ups.wait(0.6))
    await asyncio.sleep(0.3 if store.name == POSTGRESQL else 0.01)
    with suppress(ZeroDivisionError):
        async with store.transactions.begin() as uow:
            await uow.jobs.add(a_job())
            raise ZeroDivisionError
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await waiting

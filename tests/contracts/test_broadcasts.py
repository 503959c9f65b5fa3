"""A broadcast on each store: to every active member once, whatever stops it in between."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from adapters.system import Uuid7Ids
from application.jobs.kinds import JobKind, JobKinds, LeaseLost, Run
from application.jobs.runner import Runner
from application.notifications import broadcasting
from application.notifications.broadcasting import Broadcasting
from application.outbox import Outbox
from application.reactions import REACTION_NAMES
from application.webhooks.subscribers import Subscribers
from domain.identity.user import User
from domain.jobs.job import Job, Status
from domain.notifications.notification import Broadcast, Kind
from domain.notifications.preferences import Choice
from tests.clock import OwnClock
from tests.contracts.builders import a_job, a_user, add, add_jobs, stored_job
from tests.contracts.test_cancellation import Cut
from tests.stores import MEMORY, POSTGRESQL, Store

CHUNK = 3
MANY_WAITS = 400


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcasting, "CHUNK", CHUNK)


class Hall:
    """Members, and broadcasts to them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = OwnClock()
        self.ids = Uuid7Ids()
        outbox = Outbox(self.clock, self.ids, REACTION_NAMES, Subscribers(store.changes, self.ids))
        self.broadcasting = Broadcasting(store.transactions, outbox, self.clock, self.ids)
        kind = JobKind("broadcast", self.broadcasting.work)
        self.runner = Runner(store.transactions, store.wake_ups, JobKinds.of([kind]), self.clock, self.ids, lambda: 0.5)

    async def members(self, count: int, **fields: Any) -> list[User]:
        users = [a_user(f"m{self.ids.new().hex}", **fields) for _ in range(count)]
        await add(self.store, *users)
        return users

    async def ask(self) -> tuple[Broadcast, Job]:
        now = self.clock.now()
        broadcast = Broadcast(id=self.ids.new(), title=f"News {self.ids.new()}", body="For all", created_at=now)
        job = a_job("broadcast", args={"broadcast_id": str(broadcast.id)}, created_at=now, due_at=now)
        async with self.store.transactions.begin() as uow:
            await uow.broadcasts.add(broadcast)
        await add_jobs(self.store, job)
        return broadcast, job

    async def got(self, broadcast: Broadcast, users: list[User]) -> Counter[UUID]:
        """How often it came to each."""
        found: Counter[UUID] = Counter()
        for user in users:
            rows = await self.store.notifications.notifications(user.id, None, after=None, offset=0, limit=1000)
            found[user.id] = sum(row.value.title == broadcast.title for row in rows)
        return found

    async def finished(self, job: Job) -> Job:
        found = await stored_job(self.store, job.id)
        assert found is not None
        return found


@pytest.fixture
def hall(store: Store) -> Hall:
    return Hall(store)


async def choose(hall: Hall, user: User, *, in_app: bool, mail: bool) -> None:
    async with hall.store.transactions.begin() as uow:
        await uow.preferences.choose(user.id, Kind.BROADCAST, Choice(in_app=in_app, mail=mail))


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
async def test_every_active_member_gets_it_once_and_the_job_tells_how_many(hall: Hall, count: int) -> None:
    users = await hall.members(count)
    gone = await hall.members(2, is_active=False)
    broadcast, job = await hall.ask()
    await hall.runner.drain()
    done = await hall.finished(job)
    assert (done.status, done.result) == (Status.SUCCEEDED, {"members": count, "sent": count})
    assert (done.progress.done, done.progress.total) == (count, count)
    assert await hall.got(broadcast, [*users, *gone]) == {**{u.id: 1 for u in users}, **{u.id: 0 for u in gone}}


async def test_it_comes_where_each_member_wants_it(hall: Hall) -> None:
    here, by_mail, nowhere, both = users = await hall.members(4)
    await choose(hall, by_mail, in_app=False, mail=True)
    await choose(hall, nowhere, in_app=False, mail=False)
    await choose(hall, both, in_app=True, mail=True)
    broadcast, job = await hall.ask()
    await hall.runner.drain()
    assert (await hall.finished(job)).result == {"members": 4, "sent": 3}
    assert await hall.got(broadcast, users) == {here.id: 1, by_mail.id: 0, nowhere.id: 0, both.id: 1}
    async with hall.store.transactions.begin() as uow:
        now = hall.clock.now()
        mails = await uow.jobs.claim(["mail-notification"], now, lease_id=hall.ids.new(), until=now, limit=10)
    events = [mail.emitted.data for mail in mails if mail.emitted is not None]
    assert {event["user_id"] for event in events} == {str(by_mail.id), str(both.id)}
    assert {(event["title"], event["body"]) for event in events} == {(broadcast.title, broadcast.body)}


async def cut_at(n: int, hall: Hall, job: Job) -> bool:
    """Whether the work came so far; else it came to its end, and found that its lease was made up."""
    run = Run(job, hall.ids.new(), None, hall.store.transactions, hall.clock)
    cut = Cut(hall.broadcasting.work(run), at=n)
    with suppress(LeaseLost):
        await cut.run()
    return cut.reached


@pytest.mark.parametrize("store", [MEMORY, POSTGRESQL], indirect=True)
async def test_whatever_wait_it_is_cut_at_it_goes_on_and_nobody_gets_it_twice(hall: Hall) -> None:
    users = await hall.members(2 * CHUNK + 1)
    expected = {user.id: 1 for user in users}
    for n in range(1, MANY_WAITS, 4):
        broadcast, job = await hall.ask()
        reached = await cut_at(n, hall, job)
        assert max((await hall.got(broadcast, users)).values()) <= 1
        await hall.runner.drain()
        assert (await hall.finished(job)).result == {"members": len(users), "sent": len(users)}
        assert await hall.got(broadcast, users) == expected
        if not reached:
            break
    assert not reached


async def test_two_workers_at_once_take_turns(hall: Hall) -> None:
    users = await hall.members(4 * CHUNK)
    broadcast, job = await hall.ask()
    runs = [Run(job, hall.ids.new(), None, hall.store.transactions, hall.clock) for _ in range(2)]
    ended = await asyncio.gather(*(hall.broadcasting.work(run) for run in runs), return_exceptions=True)
    assert all(isinstance(error, Exception) for error in ended), "neither has the lease"
    assert await hall.got(broadcast, users) == {user.id: 1 for user in users}
    await hall.runner.drain()
    assert (await hall.finished(job)).result == {"members": len(users), "sent": len(users)}
    assert await hall.got(broadcast, users) == {user.id: 1 for user in users}


async def test_members_who_leave_meanwhile_hold_nothing_up(hall: Hall) -> None:
    users = await hall.members(4 * CHUNK)
    broadcast, job = await hall.ask()

    async def leave() -> None:
        for user in users[::2]:
            async with hall.store.transactions.begin() as uow:
                await uow.users.remove(user.id)

    await asyncio.gather(hall.runner.drain(), leave())
    assert (await hall.finished(job)).status is Status.SUCCEEDED
    assert await hall.got(broadcast, users) == {user.id: n % 2 for n, user in enumerate(users)}

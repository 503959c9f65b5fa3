"""What listeners are told of notifications and jobs: what the store has, as the API would show it, once it is there."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from adapters.system import Uuid7Ids
from application.audit.trail import Trail
from application.idempotency import Idempotency
from application.jobs.finishing import FinishedJobs
from application.jobs.kinds import PROGRESS_EVERY, JobKind, JobKinds, Run
from application.jobs.management import CancelJob, RetryJob
from application.jobs.runner import Runner
from application.jobs.views import JobView
from application.live.telling import TellingTransactions
from application.live.told import Told, Topic
from application.notifications import broadcasting
from application.notifications.broadcasting import Broadcasting
from application.notifications.inbox import ReadAllNotifications, ReadNotification
from application.notifications.notifier import Notifier
from application.notifications.sending import BroadcastNotification
from application.outbox import Outbox
from application.reactions import REACTION_NAMES
from application.webhooks.subscribers import Subscribers
from domain.access.actor import PROCESS, Actor, member, operator
from domain.errors import Invalid
from domain.identity.user import User
from domain.jobs.job import MOST_STRIKES, Job
from domain.notifications.notification import Kind
from domain.notifications.preferences import Choice
from entrypoints.http.resources import as_json
from tests.clock import OwnClock
from tests.contracts.builders import SIGNATURE, a_job, a_user, add, add_jobs
from tests.contracts.test_telling import Ears
from tests.stores import Store


class Town:
    """A store whose changes are heard."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ears = Ears()
        self.transactions = TellingTransactions(store.transactions, self.ears)
        self.clock, self.ids = OwnClock(), Uuid7Ids()
        self.outbox = Outbox(self.clock, self.ids, REACTION_NAMES, Subscribers(store.changes, self.ids))
        self.trail = Trail(self.clock, self.ids, SIGNATURE)
        self.notifier = Notifier(self.outbox, self.clock, self.ids)

    def runner(self, *kinds: JobKind) -> Runner:
        finished = FinishedJobs(self.outbox)
        return Runner(
            self.transactions,
            self.store.wake_ups,
            JobKinds.of(kinds),
            self.clock,
            self.ids,
            lambda: 0.5,
            tell_finished=finished.tell,
        )

    def heard(self) -> list[Told]:
        heard, self.ears.told[:] = self.ears.told[:], []
        return heard

    async def members(self, n: int) -> list[User]:
        users = [a_user(uuid4().hex) for _ in range(n)]
        await add(self.store, *users)
        return users

    async def notify(self, user: User, title: str = "Hello", kind: Kind = Kind.MESSAGE) -> None:
        async with self.transactions.begin() as uow:
            await uow.users.get(user.id)
            await self.notifier.notify(uow, PROCESS, user.id, kind, title=title, body="World")

    async def choose(self, user: User, kind: Kind, *, in_app: bool) -> None:
        async with self.transactions.begin() as uow:
            await uow.preferences.choose(user.id, kind, Choice(in_app=in_app, mail=False))

    async def shown(self, job: Job) -> Any:
        """As the API answers it."""
        found = await self.store.jobs.job(job.id)
        assert found is not None
        return json.loads(as_json(found))


@pytest.fixture
def town(store: Store) -> Town:
    return Town(store)


def of(user: User) -> Actor:
    return member(user.id, frozenset(), session_id=uuid4(), signed_in_at=user.created_at)


async def test_a_notification_is_told_with_its_number_as_the_api_shows_it(town: Town) -> None:
    ada, bob = await town.members(2)
    await town.notify(ada, "one")
    await town.notify(bob, "his")
    await town.notify(ada, "two")
    told = town.heard()
    assert [(each.topic, each.about, each.data["number"]) for each in told] == [
        (Topic.INBOX, ada.id, 1),
        (Topic.INBOX, bob.id, 1),
        (Topic.INBOX, ada.id, 2),
    ]
    stored = await town.store.live.notifications_after(ada.id, 0, 10)
    assert [each.data["notification"] for each in (told[0], told[2])] == [
        json.loads(as_json(each.value)) for each in stored
    ]


async def test_what_somebody_does_not_want_here_is_not_told(town: Town) -> None:
    [ada] = await town.members(1)
    await town.choose(ada, Kind.JOB, in_app=False)
    await town.notify(ada, kind=Kind.JOB)
    assert town.heard() == []


async def test_reading_is_told_where_something_was_unread(town: Town) -> None:
    ada, bob = await town.members(2)
    for user in (ada, ada, bob):
        await town.notify(user)
    first = (await town.store.live.notifications_after(ada.id, 0, 1))[0].value
    town.heard()
    read = ReadNotification(town.transactions, town.store.notifications, town.clock)
    read_all = ReadAllNotifications(town.transactions, town.store.queries, town.clock)
    news = [Told(Topic.INBOX, ada.id, {})]
    for expected in (news, []):
        await read(of(ada), notification_id=first.id)
        assert town.heard() == expected
    for expected in (news, []):
        await read_all(of(ada))
        assert town.heard() == expected


async def test_who_is_second_to_read_tells_nothing(town: Town) -> None:
    """Though it was unread when they looked."""
    [ada] = await town.members(1)
    await town.notify(ada)
    [first] = await town.store.live.notifications_after(ada.id, 0, 1)
    town.heard()

    class Late:
        async def notification(self, notification_id: Any) -> Any:
            found = await town.store.notifications.notification(notification_id)
            async with town.store.transactions.begin() as uow:
                await uow.notifications.mark_read(notification_id, town.clock.now())
            town.clock.advance(seconds=1)
            return found

    read = ReadNotification(town.transactions, Late(), town.clock)  # type: ignore[arg-type]
    await read(of(ada), notification_id=first.value.id)
    assert town.heard() == []


async def test_a_broadcast_is_told_once_a_chunk_in_which_anybody_gets_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "CHUNK", 2)
    users = sorted(await town.members(6), key=lambda user: user.id)
    for user in users[2:4]:
        await town.choose(user, Kind.BROADCAST, in_app=False)
    ask = BroadcastNotification(
        town.transactions, town.trail, Idempotency(town.store.idempotency, town.clock), town.clock, town.ids
    )
    asker = operator("test")
    await ask(asker, title="News", body="For all")
    work = Broadcasting(town.transactions, town.outbox, town.clock, town.ids)
    assert town.heard() == [], "it is nobody's job"
    await town.runner(JobKind("broadcast", work.work)).drain()
    told = [each for each in town.heard() if each.topic is Topic.INBOXES]
    assert len(told) == 2
    assert {each.about for each in told} == {told[0].about}
    assert [dict(each.data) for each in told] == [{}, {}]


async def test_a_job_is_told_when_it_is_asked_for(town: Town) -> None:
    [ada] = await town.members(1)
    ask = BroadcastNotification(
        town.transactions, town.trail, Idempotency(town.store.idempotency, town.clock), town.clock, town.ids
    )
    everything = replace(of(ada), permissions=frozenset({"*"}))
    view = await ask(everything, title="News", body="For all")
    assert town.heard() == [Told(Topic.JOB, ada.id, {"job": json.loads(as_json(view))})]


async def succeed(run: Run) -> Any:
    return {"n": [1, 2.5, None]}


async def succeed_without_a_result(run: Run) -> None:
    """Nothing is to be said."""


async def finish(run: Run) -> None:
    async with run.finishing({"n": 1}):
        pass


async def fail(run: Run) -> None:
    raise Invalid("not-so", "That cannot be.")


async def strike(run: Run) -> None:
    raise ZeroDivisionError


ENDS: dict[str, tuple[Callable[[Run], Any], int, list[str]]] = {
    "succeeds": (succeed, 0, ["running", "succeeded"]),
    "succeeds without a result": (succeed_without_a_result, 0, ["running", "succeeded"]),
    "succeeds with its effect": (finish, 0, ["running", "succeeded"]),
    "fails": (fail, 0, ["running", "failed"]),
    "is tried again": (strike, 0, ["running", "queued"]),
    "is given up": (strike, MOST_STRIKES, ["running", "dead"]),
}


@pytest.mark.parametrize(("work", "strikes", "statuses"), ENDS.values(), ids=ENDS.keys())
async def test_whatever_becomes_of_a_members_job_is_told_as_it_is_stored(
    town: Town, work: Callable[[Run], Any], strikes: int, statuses: list[str]
) -> None:
    [ada] = await town.members(1)
    now = town.clock.now()
    job = a_job(owner_id=ada.id, created_at=now, due_at=now, strikes=strikes, attempts=strikes)
    await add_jobs(town.store, job, a_job(created_at=now, due_at=now))
    await town.runner(JobKind("work", work)).drain()
    told = [each for each in town.heard() if each.topic is Topic.JOB]
    assert {each.about for each in told} == {ada.id}
    assert [each.data["job"]["status"] for each in told] == statuses
    assert told[-1].data == {"job": await town.shown(job)}


async def test_progress_is_told_when_it_is_stored_and_a_wish_to_stop_with_it(town: Town) -> None:
    [ada] = await town.members(1)
    now = town.clock.now()
    job = a_job(owner_id=ada.id, created_at=now, due_at=now)
    await add_jobs(town.store, job)
    shown: list[Any] = []
    cancel = CancelJob(town.transactions, town.trail, FinishedJobs(town.outbox), town.clock)

    async def work(run: Run) -> None:
        for done in range(1, 7):
            if done == 4:
                await cancel(of(ada), job_id=job.id)
                shown.append(await town.shown(job))
            town.clock.advance(seconds=PROGRESS_EVERY.total_seconds() * 0.6)
            await run.progress(done, 6, rejected=1)
            if done % 2 == 0:
                shown.append(await town.shown(job))

    await town.runner(JobKind("work", work)).drain()
    told = [each.data["job"] for each in town.heard()]
    assert [each["progress"]["done"] for each in told] == [0, 2, 2, 4, 6, 6]
    assert [each["cancel_requested"] for each in told] == [False, False, True, True, True, True]
    assert told[1:-1] == shown
    assert told[-1] == await town.shown(job)


async def test_who_cancels_or_retries_a_job_is_told(town: Town) -> None:
    [ada] = await town.members(1)
    now = town.clock.now()
    job, nobodys = a_job(owner_id=ada.id, created_at=now, due_at=now), a_job(created_at=now, due_at=now)
    await add_jobs(town.store, job, nobodys)
    cancel = CancelJob(town.transactions, town.trail, FinishedJobs(town.outbox), town.clock)
    retry = RetryJob(town.transactions, town.trail, town.clock)
    for change in (cancel, retry):
        view: JobView = await change(of(ada), job_id=job.id)
        assert town.heard() == [Told(Topic.JOB, ada.id, {"job": json.loads(as_json(view))})]
        assert json.loads(as_json(view)) == await town.shown(job)
        await change(operator("test"), job_id=nobodys.id)
        assert town.heard() == []


async def test_a_job_that_was_to_stop_before_it_was_begun_anew_is_told_to_be_cancelled(town: Town) -> None:
    [ada] = await town.members(1)
    now = town.clock.now()
    job = a_job(owner_id=ada.id, created_at=now, due_at=now, cancel_requested=True)
    await add_jobs(town.store, job)
    await town.runner(JobKind("work", succeed)).drain()
    told = [each.data["job"] for each in town.heard()]
    assert [each["status"] for each in told] == ["running", "cancelled"]
    assert told[-1] == await town.shown(job)

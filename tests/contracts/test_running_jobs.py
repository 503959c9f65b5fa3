"""Workers on each store: what becomes of jobs that succeed, fail, are lost, cancelled, or put back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.system import Uuid7Ids
from application.jobs import runner as running
from application.jobs.finishing import FinishedJobs
from application.jobs.kinds import JobKind, JobKinds, LeaseLost, Run
from application.jobs.runner import LEASE, Runner
from application.jobs.views import JobFilters
from application.outbox import Outbox
from application.reactions import REACTION_NAMES
from application.unit_of_work import Transactions, UnitOfWork
from application.webhooks.subscribers import Subscribers
from domain.errors import Invalid, Unavailable
from domain.jobs.job import MOST_ATTEMPTS, MOST_STRIKES, Job, Status
from tests.clock import OwnClock
from tests.contracts.builders import a_job, a_user, add, add_jobs, an_event, stored, stored_job
from tests.stores import MEMORY, Store

Work = Callable[[Run], Awaitable[Any]]
SOON = 10.0


class Workplace:
    """A store, a clock of the test's own, and as many workers as it wants."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = OwnClock()

    def worker(self, work: Work, **kinds: JobKind) -> Runner:
        found = JobKinds.of([JobKind("work", work), *kinds.values()])
        subscribers = Subscribers(self.store.changes, Uuid7Ids())
        finished = FinishedJobs(Outbox(self.clock, Uuid7Ids(), REACTION_NAMES, subscribers))
        return Runner(
            self.store.transactions,
            self.store.wake_ups,
            found,
            self.clock,
            Uuid7Ids(),
            lambda: 0.5,
            tell_finished=finished.tell,
        )

    async def told(self) -> list[tuple[str | None, str | None]]:
        """Which jobs are told to be finished, and how; asked once."""
        async with self.store.transactions.begin() as uow:
            now = self.clock.now()
            found = await uow.jobs.claim(
                ["notify-job-finished"], now, lease_id=uuid4(), until=now + timedelta(days=1), limit=100
            )
        events = [job.emitted.data for job in found if job.emitted is not None]
        return [(event["job_id"], event["status"]) for event in events]

    @asynccontextmanager
    async def at_work(self, *workers: Runner) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.run(stop))
            try:
                yield stop
            finally:
                stop.set()

    async def leave(self, **fields: Any) -> Job:
        job = a_job(**{"created_at": self.clock.now(), "due_at": self.clock.now(), **fields})
        await add_jobs(self.store, job)
        return job

    async def ask_to_stop(self, job: Job) -> None:
        async with self.store.transactions.begin() as uow:
            found = await uow.jobs.get(job.id)
            assert found is not None
            await uow.jobs.save(found.asked_to_stop(self.clock.now()))

    async def become(self, job: Job) -> Job:
        found = await stored_job(self.store, job.id)
        assert found is not None
        return found

    async def until(self, job: Job, *statuses: Status) -> Job:
        async with asyncio.timeout(SOON):
            while (found := await self.become(job)).status not in statuses:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
def place(store: Store) -> Workplace:
    return Workplace(store)


async def test_a_job_is_done_and_its_result_kept(place: Workplace) -> None:
    async def work(run: Run) -> Any:
        await run.progress(2, 3, rejected=1)
        return {"seen": run.job.args}

    job = await place.leave(args={"n": 1})
    assert await place.worker(work).drain() == 1
    done = await place.become(job)
    assert (done.status, done.result, done.attempts) == (Status.SUCCEEDED, {"seen": {"n": 1}}, 1)
    assert (done.progress.done, done.progress.total, done.progress.rejected) == (2, 3, 1)
    assert await place.worker(work).drain() == 0


async def test_a_worker_that_waits_is_woken_by_a_job(place: Workplace) -> None:
    async def work(run: Run) -> None: ...

    async with place.at_work(place.worker(work)):
        await asyncio.sleep(0.2)
        for _ in range(3):
            await place.until(await place.leave(), Status.SUCCEEDED)


async def test_many_jobs_are_each_done_once_by_several_workers(place: Workplace) -> None:
    done: list[Any] = []

    async def work(run: Run) -> None:
        await asyncio.sleep(0)
        done.append(run.job.args["n"])

    jobs = [a_job(args={"n": n}, created_at=place.clock.now(), due_at=place.clock.now()) for n in range(100)]
    await add_jobs(place.store, *jobs)
    async with place.at_work(*(place.worker(work) for _ in range(3))):
        for job in jobs:
            await place.until(job, Status.SUCCEEDED)
    assert sorted(done) == list(range(100))


async def test_an_effect_in_the_store_happens_with_the_receipt_or_not_at_all(place: Workplace) -> None:
    users = [a_user("ada"), a_user("bob")]

    async def work(run: Run) -> None:
        async with run.finishing("made") as uow:
            await uow.users.add(users[run.job.args["n"]])
            if run.job.args["n"] == 1:
                raise ZeroDivisionError

    good, bad = await place.leave(args={"n": 0}), await place.leave(args={"n": 1})
    await place.worker(work).drain()
    assert ((await place.become(good)).status, (await place.become(good)).result) == (Status.SUCCEEDED, "made")
    assert (await place.become(bad)).status is Status.QUEUED
    assert await stored(place.store, users[0].id) == users[0]
    assert await stored(place.store, users[1].id) is None


async def test_who_was_frozen_past_the_lease_changes_nothing(place: Workplace) -> None:
    """SIGSTOP, another worker takes over, SIGCONT: fenced."""
    users, frozen, woken = [a_user("slow"), a_user("quick")], asyncio.Event(), asyncio.Event()

    async def slow(run: Run) -> None:
        frozen.set()
        await woken.wait()
        try:
            async with run.finishing() as uow:
                await uow.users.add(users[0])
        except LeaseLost:
            woken.clear()
            raise

    async def quick(run: Run) -> None:
        async with run.finishing() as uow:
            await uow.users.add(users[1])

    job = await place.leave()
    first = asyncio.create_task(place.worker(slow).drain())
    await frozen.wait()
    place.clock.advance(seconds=LEASE.total_seconds())
    assert await place.worker(quick).drain() == 1
    woken.set()
    await first
    assert not woken.is_set()
    assert await stored(place.store, users[0].id) is None
    assert await stored(place.store, users[1].id) == users[1]
    assert ((await place.become(job)).status, (await place.become(job)).attempts) == (Status.SUCCEEDED, 2)


async def test_what_fails_is_tried_again_later_and_not_for_ever(place: Workplace) -> None:
    attempts = []

    async def work(run: Run) -> None:
        attempts.append(place.clock.now())
        raise ZeroDivisionError("boom")

    job = await place.leave()
    worker = place.worker(work)
    for _ in range(MOST_STRIKES + 3):
        await worker.drain()
        place.clock.advance(minutes=10)
    dead = await place.become(job)
    assert (dead.status, dead.attempts, dead.error) == (Status.DEAD, MOST_STRIKES, "ZeroDivisionError: boom")
    assert len(attempts) == MOST_STRIKES


async def test_it_is_not_tried_again_at_once(place: Workplace) -> None:
    async def work(run: Run) -> None:
        raise ZeroDivisionError

    job = await place.leave()
    assert await place.worker(work).drain() == 1
    waiting = await place.become(job)
    assert waiting.due_at == place.clock.now() + timedelta(seconds=0.75)
    assert await place.worker(work).drain() == 0


async def test_what_can_never_succeed_is_tried_once(place: Workplace) -> None:
    async def work(run: Run) -> None:
        raise Invalid("mail-refused", "There is no such recipient.")

    job = await place.leave()
    await place.worker(work).drain()
    failed = await place.become(job)
    assert (failed.status, failed.attempts, failed.error) == (
        Status.FAILED,
        1,
        "mail-refused: There is no such recipient.",
    )


async def test_what_is_hindered_from_outside_waits_for_days_and_is_then_given_up(place: Workplace) -> None:
    away = True

    async def work(run: Run) -> None:
        if away:
            raise Unavailable("mail-unavailable", "The mail server is away.")

    job, hopeless = await place.leave(), await place.leave(attempts=MOST_ATTEMPTS - 5)
    worker = place.worker(work)
    for _ in range(3 * MOST_STRIKES):
        await worker.drain()
        place.clock.advance(minutes=10)
    waiting, given_up = await place.become(job), await place.become(hopeless)
    assert (waiting.status, waiting.strikes, waiting.error) == (Status.QUEUED, 0, "The mail server is away.")
    assert waiting.attempts > MOST_STRIKES
    assert (given_up.status, given_up.attempts) == (Status.DEAD, MOST_ATTEMPTS)
    away = False
    await worker.drain()
    assert (await place.become(job)).status is Status.SUCCEEDED


async def test_a_job_that_kills_its_workers_is_given_up(place: Workplace) -> None:
    job = await place.leave()
    for _ in range(MOST_STRIKES):
        async with place.store.transactions.begin() as uow:
            now = place.clock.now()
            assert len(await uow.jobs.claim(("work",), now, lease_id=uuid4(), until=now + LEASE, limit=1)) == 1
        place.clock.advance(seconds=LEASE.total_seconds())

    async def work(run: Run) -> None:
        raise AssertionError("it would kill this one too")

    await place.worker(work).drain()
    assert ((await place.become(job)).status, (await place.become(job)).error) == (
        Status.DEAD,
        "Every worker that began it was lost.",
    )


async def test_a_poisoned_job_holds_nobody_up(place: Workplace) -> None:
    """S30."""

    async def work(run: Run) -> None:
        if run.job.args.get("poison"):
            raise ZeroDivisionError

    poisoned = [await place.leave(args={"poison": True}) for _ in range(30)]
    good = [await place.leave() for _ in range(30)]
    await place.worker(work).drain()
    assert {(await place.become(job)).status for job in good} == {Status.SUCCEEDED}
    assert {(await place.become(job)).status for job in poisoned} == {Status.QUEUED}


async def test_a_running_job_stops_when_it_is_cancelled(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HOLD_EVERY", 0.05)
    begun = asyncio.Event()

    async def work(run: Run) -> None:
        begun.set()
        await asyncio.sleep(SOON)

    job = await place.leave()
    async with place.at_work(place.worker(work)):
        await begun.wait()
        await place.ask_to_stop(job)
        cancelled = await place.until(job, Status.CANCELLED)
    assert cancelled.finished_at == place.clock.now()


async def test_a_lease_is_renewed_while_the_job_runs(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HOLD_EVERY", 0.05)
    finish = asyncio.Event()

    async def work(run: Run) -> None:
        await finish.wait()

    job = await place.leave()
    async with place.at_work(place.worker(work)):
        held = await place.until(job, Status.RUNNING)
        place.clock.advance(seconds=20)
        async with asyncio.timeout(SOON):
            while (await place.become(job)).due_at == held.due_at:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        finish.set()
        assert (await place.until(job, Status.SUCCEEDED)).attempts == 1


async def test_what_is_not_finished_when_the_worker_stops_is_put_back(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GIVE_BACK_AFTER", 0.1)

    async def work(run: Run) -> None:
        await asyncio.sleep(0 if run.job.args["quick"] else SOON)

    quick, slow = await place.leave(args={"quick": True}), await place.leave(args={"quick": False})
    async with place.at_work(place.worker(work)):
        await place.until(quick, Status.SUCCEEDED)
        await place.until(slow, Status.RUNNING)
    put_back = await place.become(slow)
    assert (put_back.status, put_back.attempts, put_back.strikes) == (Status.QUEUED, 0, 0)
    assert put_back.due_at == place.clock.now()


async def test_a_periodic_job_is_there_once_and_comes_again(place: Workplace) -> None:
    swept = []

    async def sweep(run: Run) -> dict[str, int]:
        swept.append(place.clock.now())
        if len(swept) == 2:
            raise Invalid("no", "Not this time.")
        return {"count": len(swept)}

    async def work(run: Run) -> None: ...

    kind = JobKind("sweep", sweep, every=timedelta(minutes=5))
    workers = [place.worker(work, sweep=kind) for _ in range(3)]
    for _ in range(3):
        async with place.at_work(*workers):
            await asyncio.sleep(0.1)
        for worker in workers:
            await worker.drain()
        place.clock.advance(minutes=5)
    assert len(swept) == 3
    rows = await place.store.jobs.jobs(JobFilters(), after=None, offset=0, limit=9)
    (sweeping,) = [row.value for row in rows if row.value.kind == "sweep"]
    assert (sweeping.status, sweeping.result, sweeping.error) == (Status.QUEUED, {"count": 3}, None)


@pytest.mark.parametrize("error", [ZeroDivisionError(), Unavailable("away", "It is away.")])
async def test_a_job_that_was_asked_to_stop_is_not_tried_again(place: Workplace, error: Exception) -> None:
    async def work(run: Run) -> None:
        await place.ask_to_stop(run.job)
        raise error

    job = await place.leave()
    await place.worker(work).drain()
    assert (await place.become(job)).status is Status.CANCELLED


async def test_a_periodic_job_that_somebody_cancelled_comes_again(place: Workplace) -> None:
    async def sweep(run: Run) -> None:
        await place.ask_to_stop(run.job)

    async def work(run: Run) -> None: ...

    worker = place.worker(work, sweep=JobKind("sweep", sweep, every=timedelta(minutes=5)))
    for _ in range(2):
        async with place.at_work(worker):
            await asyncio.sleep(0.2)
        found = await place.store.jobs.jobs(JobFilters(kind="sweep"), after=None, offset=0, limit=9)
        assert [(row.value.status, row.value.cancel_requested) for row in found] == [(Status.QUEUED, False)]
        place.clock.advance(minutes=5)


async def test_a_result_that_cannot_be_stored_fails_its_own_job_alone(place: Workplace) -> None:
    async def work(run: Run) -> Any:
        return {"good": True} if run.job.args else object()

    bad, good = await place.leave(), await place.leave(args={"n": 1})
    await place.worker(work).drain()
    assert (await place.become(good)).status is Status.SUCCEEDED
    waiting = await place.become(bad)
    assert (waiting.status, waiting.strikes) == (Status.QUEUED, 1)
    assert str(waiting.error).startswith("TypeError: ")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError("\0" + "x" * 9999)])
async def test_whatever_work_raises_is_an_attempt_that_failed(place: Workplace, error: BaseException) -> None:
    async def work(run: Run) -> None:
        raise error

    job = await place.leave()
    assert await place.worker(work).drain() == 1
    waiting = await place.become(job)
    assert (waiting.status, waiting.strikes) == (Status.QUEUED, 1)
    assert waiting.error


async def test_an_event_that_cannot_be_read_holds_up_no_other(place: Workplace) -> None:
    """It may be one of a newer version."""
    told = []

    async def tell(run: Run) -> None:
        assert run.job.emitted is not None
        told.append(run.job.emitted.event)

    async def work(run: Run) -> None: ...

    good = an_event()
    strange = replace(good, id=uuid4(), name="of.tomorrow"), replace(good, id=uuid4(), data={"nothing": "x"})
    for emitted in (*strange, good):
        async with place.store.transactions.begin() as uow:
            await uow.events.add(emitted)
        await place.leave(kind="tell", emitted=emitted)
    worker = place.worker(work, tell=JobKind("tell", tell))
    for _ in range(MOST_STRIKES):
        await worker.drain()
        place.clock.advance(minutes=10)
    assert told == [good.event]
    failed = await place.store.jobs.failed_deliveries(after=None, offset=0, limit=9)
    assert {row.value.event_id for row in failed} == {emitted.id for emitted in strange}


async def test_an_outcome_that_cannot_be_stored_fails_its_own_job_alone(place: Workplace) -> None:
    """A number that no store takes; memory takes it."""

    async def work(run: Run) -> None:
        if run.job.args:
            await run.progress(2**80)

    bad, good = await place.leave(args={"n": 1}), await place.leave()
    await place.worker(work).drain()
    assert ((await place.become(good)).status, (await place.become(good)).attempts) == (Status.SUCCEEDED, 1)
    assert (await place.become(bad)).status is (Status.SUCCEEDED if place.store.name == MEMORY else Status.FAILED)


async def test_what_was_done_is_stored_when_the_store_is_back(place: Workplace) -> None:
    """And is not done again, as a mail would be sent again."""
    done = []

    class AwayOnce(Transactions):
        away = 0

        def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
            if done and not self.away:
                self.away += 1
                raise Unavailable("database-unavailable", "The database does not answer.")
            return place.store.transactions.begin()

    async def work(run: Run) -> None:
        done.append(run.job.id)

    job, away = await place.leave(), AwayOnce()
    kinds = JobKinds.of([JobKind("work", work)])
    worker = Runner(away, place.store.wake_ups, kinds, place.clock, Uuid7Ids(), lambda: 0.5)
    async with place.at_work(worker):
        await place.until(job, Status.SUCCEEDED)
    assert (len(done), away.away) == (1, 1)


async def test_a_periodic_job_may_finish_with_its_effect(place: Workplace) -> None:
    swept = []

    async def sweep(run: Run) -> None:
        async with run.finishing({"n": len(swept)}):
            swept.append(place.clock.now())

    async def work(run: Run) -> None: ...

    worker = place.worker(work, sweep=JobKind("sweep", sweep, every=timedelta(minutes=5)))
    for _ in range(3):
        async with place.at_work(worker):
            await asyncio.sleep(0.1)
        place.clock.advance(minutes=2)
    assert len(swept) == 1
    found = await place.store.jobs.jobs(JobFilters(kind="sweep"), after=None, offset=0, limit=9)
    assert [(row.value.status, row.value.result) for row in found] == [(Status.QUEUED, {"n": 0})]


async def test_a_periodic_job_that_was_cancelled_while_it_waited_is_planned_again(place: Workplace) -> None:
    async def work(run: Run) -> None: ...

    worker = place.worker(work, sweep=JobKind("sweep", work, every=timedelta(minutes=5)))
    async with place.at_work(worker):
        await asyncio.sleep(0.1)
        [row] = await place.store.jobs.jobs(JobFilters(kind="sweep"), after=None, offset=0, limit=9)
        async with place.store.transactions.begin() as uow:
            found = await uow.jobs.get(row.value.id)
            assert found is not None
            await uow.jobs.save(found.asked_to_stop(place.clock.now()))
        place.clock.advance(minutes=1)
        async with asyncio.timeout(SOON):
            while await place.store.jobs.count_jobs(JobFilters(kind="sweep", status=Status.QUEUED)) == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_job_of_another_version_is_left_to_who_knows_it(place: Workplace) -> None:
    async def work(run: Run) -> None: ...

    foreign = await place.leave(kind="of-tomorrow")
    assert await place.worker(work).drain() == 0
    assert (await place.become(foreign)).status is Status.QUEUED


@pytest.mark.parametrize("how", ["plain", "result", "effect", "refused", "given up", "asked to stop"])
async def test_what_becomes_of_a_members_job_is_told_once_with_its_outcome(place: Workplace, how: str) -> None:
    ada = a_user()
    await add(place.store, ada)

    async def work(run: Run) -> Any:
        match how:
            case "result":
                return {"n": 1}
            case "effect":
                async with run.finishing(1):
                    return None
            case "refused":
                raise Invalid("bad", "No.")
            case "given up":
                raise ZeroDivisionError
            case "asked to stop":
                await place.ask_to_stop(run.job)
                raise Unavailable("away", "Away.")

    job = await place.leave(owner_id=ada.id)
    nobodys = await place.leave()
    expected = {"refused": "failed", "given up": "dead", "asked to stop": "cancelled"}.get(how, "succeeded")
    while not (await place.become(job)).is_finished:
        await place.worker(work).drain()
        place.clock.advance(minutes=11)
    assert (await place.become(job)).status.value == expected
    assert (await place.become(nobodys)).attempts > 0
    assert await place.told() == [(str(job.id), expected)]


async def test_an_outcome_whose_lease_was_lost_is_not_told(place: Workplace) -> None:
    ada = a_user()
    await add(place.store, ada)

    async def slow(run: Run) -> None:
        place.clock.advance(seconds=LEASE.total_seconds() + 1)
        await place.worker(quick).drain()

    async def quick(run: Run) -> None:
        async with run.finishing():
            pass

    await place.leave(owner_id=ada.id)
    await place.worker(slow).drain()
    assert len(await place.told()) == 1

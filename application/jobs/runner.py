"""The worker: takes jobs that are due, does them, stores what became of them. Any number may run at once."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from application.jobs.kinds import JobKind, JobKinds, LeaseLost, Postponed, Run, TellFinished, tell_nobody
from application.jobs.telling import tell_job
from application.ports import Clock, Ids, WakeUps
from application.unit_of_work import Transactions, UnitOfWork
from domain.errors import MoothallError, Unavailable
from domain.jobs.job import MOST_STRIKES, Job, Progress, Status

log = logging.getLogger("moothall.jobs")

HANDS = 20
"""Jobs that one worker does at once."""

PLAN_EVERY = timedelta(minutes=1)
"""After which a worker looks whether the periodic jobs are there: somebody may have cancelled one."""

NEVER = datetime.max.replace(tzinfo=UTC)

LEASE = timedelta(seconds=30)
HOLD_EVERY = 2.0
"""Seconds after which leases are renewed, and cancellations heard of; sooner where leases are short."""

LOOK_EVERY = 1.0
"""Seconds after which a worker looks for jobs that nobody woke it for: retries, and what other processes left."""

GIVE_BACK_AFTER = 3.0
"""Seconds that jobs get to finish when the worker is stopped; then they are put back."""

LEAVE_WITHIN = 1.5
"""Seconds that putting back may take; then they come back when their leases are over."""


class Runner:
    """`chance` gives numbers from 0 to 1, for the jitter between attempts. `lease`: how long a job stays with a worker
    that fell silent. `tell_finished` is called with each job of a member that is over, in the unit of work that stores
    so."""

    def __init__(
        self,
        transactions: Transactions,
        wake_ups: WakeUps,
        kinds: JobKinds,
        clock: Clock,
        ids: Ids,
        chance: Callable[[], float],
        *,
        lease: timedelta = LEASE,
        tell_finished: TellFinished = tell_nobody,
    ) -> None:
        self.transactions = transactions
        self.wake_ups = wake_ups
        self.kinds = kinds.by_name
        self.clock = clock
        self.ids = ids
        self.lease = lease
        self.chance = chance
        self.tell_finished = tell_finished
        self.shifts: set[_Shift] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then finish what is under way, or put it back."""
        await _Shift(self).work(stop)

    async def drain(self) -> int:
        """Do all that is due now, and what follows from it; how many jobs that were. A job that failed and waits for
        its next attempt is not waited for."""
        return await _Shift(self).drain()

    def is_busy(self) -> bool:
        """Whether a job is in hand here, or what became of it is not stored yet."""
        return any(shift.is_busy for shift in self.shifts)

    def for_kind(self, name: str) -> "Runner":
        """Another worker, which does jobs of this kind alone."""
        return Runner(
            self.transactions,
            self.wake_ups,
            JobKinds({name: self.kinds[name]}),
            self.clock,
            self.ids,
            self.chance,
            lease=self.lease,
            tell_finished=self.tell_finished,
        )

    async def plan(self, uow: UnitOfWork) -> None:
        """See to it that each periodic job is there."""
        now = self.clock.now()
        for kind in self.kinds.values():
            if kind.every is not None:
                await uow.jobs.add(
                    Job(id=self.ids.new(), kind=kind.name, args={}, created_at=now, due_at=now, unique_key=kind.name)
                )


class _Shift:
    """One worker at work: the jobs in its hands, and the outcomes that it has not stored yet."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._in_hand: dict[asyncio.Task[None], Job] = {}
        self._outcomes: list[tuple[Job, UUID]] = []
        self._stopping: set[UUID] = set()
        self._leaving = False
        self._plan_at = runner.clock.now()
        self._news = asyncio.Event()

    @property
    def is_busy(self) -> bool:
        return bool(self._in_hand or self._outcomes)

    async def work(self, stop: asyncio.Event) -> None:
        self._runner.shifts.add(self)
        others = [asyncio.create_task(each) for each in (self._listen(), self._hold(), self._pass_on(stop))]
        try:
            while not stop.is_set():
                self._news.clear()
                try:
                    if await self._turn():
                        continue
                except MoothallError as error:
                    log.warning("Jobs wait: %s", error)
                except Exception:
                    log.exception("Jobs wait")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._news.wait()
        finally:
            await self._leave(others)

    async def drain(self) -> int:
        self._plan_at = NEVER
        self._runner.shifts.add(self)
        holding = asyncio.create_task(self._hold())
        done = 0
        try:
            while True:
                were_in_hand = bool(self._in_hand)  # who finishes during the turn may leave jobs that it does not see
                claimed = await self._turn()
                done += claimed
                if self._in_hand:
                    await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
                elif not (claimed or were_in_hand or self._outcomes):
                    return done
        finally:
            await self._leave([holding])

    async def _turn(self) -> int:
        """Store outcomes and take new jobs, in one transaction; how many were taken."""
        free = HANDS - len(self._in_hand)
        if not self._outcomes and not free:
            return 0
        outcomes, self._outcomes = self._outcomes, []
        runner, stored = self._runner, False
        try:
            async with runner.transactions.begin() as uow:
                now = runner.clock.now()
                lost = await self._settle(uow, outcomes)
                stored = True
                if plans := now >= self._plan_at:
                    await runner.plan(uow)
                claimed = await uow.jobs.claim(
                    runner.kinds, now, lease_id=runner.ids.new(), until=now + runner.lease, limit=free
                )
                for job in claimed:
                    tell_job(uow, job)
        except MoothallError:
            self._outcomes = outcomes + self._outcomes
            raise
        except Exception:
            await self._settle_singly(outcomes)
            if stored:
                raise
            return 0
        if plans:
            self._plan_at = now + PLAN_EVERY
        for job in lost:
            log.warning("Job %s (%s) was taken over by another worker.", job.id, job.kind)
        for job in claimed:
            task = asyncio.create_task(self._do(job))
            self._in_hand[task] = job
            task.add_done_callback(self._put_down)
        return len(claimed)

    def _put_down(self, task: "asyncio.Task[None]") -> None:
        self._stopping.discard(self._in_hand.pop(task).id)
        self._news.set()

    async def _do(self, job: Job) -> None:
        assert job.lease_id is not None  # noqa: S101
        runner = self._runner
        kind = runner.kinds[job.kind]
        run = Run(job, job.lease_id, kind.every, runner.transactions, runner.clock, runner.tell_finished)
        outcome = await self._outcome(run, kind)
        if outcome is not None:
            self._outcomes.append((outcome, job.lease_id))

    async def _outcome(self, run: Run, kind: JobKind) -> Job | None:
        """What became of the job; None where that is stored already, or another worker's matter."""
        job, clock, chance = run.job, self._runner.clock, self._runner.chance()
        result: Any = None
        try:
            if job.cancel_requested and kind.every is None:
                return job.cancelled(clock.now())
            if job.strikes > MOST_STRIKES:
                ended = job.struck(clock.now(), "Every worker that began it was lost.", chance)
            else:
                result = await kind.work(run)
                json.dumps(result)  # what is no JSON fails here, and not where it is stored with others
                ended = run.job.succeeded(clock.now(), result)
        except Postponed as postponed:
            ended = run.job.put_back(postponed.until)
        except LeaseLost:
            log.warning("Job %s (%s) was taken over by another worker.", job.id, job.kind)
            return None
        except asyncio.CancelledError:
            now = clock.now()
            if self._leaving:
                return None if run.settled else run.job.put_back(now)
            asked = job.id in self._stopping
            ended = run.job.cancelled(now) if asked else run.job.struck(now, "It was cancelled from within.", chance)
        except Unavailable as error:
            ended = run.job.hindered(clock.now(), str(error), chance)
            log.info("Job %s (%s) waits: %s", job.id, job.kind, error)
        except MoothallError as error:
            ended = run.job.failed(clock.now(), f"{error.code}: {error}")
            log.warning("Job %s (%s) failed: %s", job.id, job.kind, error)
        except Exception as error:
            ended = run.job.struck(clock.now(), _told(job, error), chance)
            log.exception("Job %s (%s) failed in attempt %d.", job.id, job.kind, job.attempts)
        if run.settled:
            return None  # what came after the effect changes nothing any more
        if kind.every is not None and ended.is_finished:
            return ended.again_at(clock.now() + kind.every, result=result, error=ended.error)
        return ended

    async def _hold(self) -> None:
        """Renew leases, and cancel what somebody wants cancelled."""
        runner = self._runner
        while True:
            await asyncio.sleep(min(HOLD_EVERY, runner.lease.total_seconds() / 4))
            held = {job.id: (task, job) for task, job in self._in_hand.items()}
            leases = [(job.id, job.lease_id) for _, job in held.values() if job.lease_id is not None]
            if not leases:
                continue
            try:
                async with runner.transactions.begin() as uow:
                    found = await uow.jobs.hold(leases, runner.clock.now() + runner.lease)
            except MoothallError as error:
                log.warning("Leases were not renewed: %s", error)
                continue
            except Exception:
                log.exception("Leases were not renewed")
                continue
            for job_id, wanted_to_stop in found.items():
                if wanted_to_stop and job_id not in self._stopping:
                    self._stopping.add(job_id)
                    held[job_id][0].cancel()

    async def _listen(self) -> None:
        while True:
            await self._runner.wake_ups.wait(LOOK_EVERY)
            self._news.set()

    async def _pass_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._news.set()

    async def _leave(self, others: "list[asyncio.Task[None]]") -> None:
        self._runner.shifts.discard(self)
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=GIVE_BACK_AFTER)
        self._leaving = True
        for task in [*self._in_hand, *others]:
            task.cancel()
        await asyncio.gather(*self._in_hand, *others, return_exceptions=True)
        if self._outcomes:
            try:
                async with asyncio.timeout(LEAVE_WITHIN), self._runner.transactions.begin() as uow:
                    await self._settle(uow, self._outcomes)
            except (MoothallError, TimeoutError) as error:
                log.warning("%d jobs will be done again when their lease is over: %s", len(self._outcomes), error)

    async def _settle_singly(self, outcomes: "list[tuple[Job, UUID]]") -> None:
        """After one among them could not be stored: that one fails, and the others are what they are."""
        for job, lease in outcomes:
            try:
                async with self._runner.transactions.begin() as uow:
                    await self._settle(uow, [(job, lease)])
            except MoothallError:
                self._outcomes.append((job, lease))
            except Exception as error:
                log.exception("The outcome of job %s (%s) cannot be stored.", job.id, job.kind)
                unstorable = replace(job, result=None, progress=Progress())
                told = _told(job, error)
                self._outcomes.append((unstorable.failed(self._runner.clock.now(), told), lease))

    async def _settle(self, uow: UnitOfWork, outcomes: "list[tuple[Job, UUID]]") -> list[Job]:
        """Store outcomes, the plain ones in one statement; those whose lease was lost."""
        plain = [(job, lease) for job, lease in outcomes if _is_plain(job)]
        stored = {job.id: job for job, _ in outcomes}
        held: set[UUID] = set()
        if plain:
            finished_at = max(job.finished_at for job, _ in plain if job.finished_at is not None)
            held |= await uow.jobs.succeed([(job.id, lease) for job, lease in plain], finished_at)
        for job, lease in outcomes:
            if _is_plain(job):
                continue
            asked_to_stop = await uow.jobs.settle(job, lease)
            if asked_to_stop is None:
                continue
            held.add(job.id)
            stored[job.id] = replace(job, cancel_requested=asked_to_stop)
            if asked_to_stop and not job.is_finished:
                is_periodic = self._runner.kinds[job.kind].every is not None
                stored[job.id] = job if is_periodic else job.cancelled(self._runner.clock.now())
                await uow.jobs.save(stored[job.id])
        for job in stored.values():
            if job.owner_id is not None and job.id in held:
                tell_job(uow, job)
                if job.is_finished:
                    await self._runner.tell_finished(uow, job)
        return [job for job, _ in outcomes if job.id not in held]


def _told(job: Job, error: Exception) -> str:
    """What an error that nobody foresaw says may be no member's business."""
    if job.owner_id is not None:
        return "internal-error: Something went wrong on our side; the log says what."
    return f"{type(error).__name__}: {error}"


def _is_plain(job: Job) -> bool:
    """Whether there is nothing to be stored but that it succeeded, and nobody to be told what is stored."""
    is_bare = job.result is None and job.progress == Progress()
    return job.status is Status.SUCCEEDED and is_bare and job.owner_id is None

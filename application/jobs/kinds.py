"""What there is to be done by workers, and what a worker hands to whoever does it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.jobs.telling import tell_job
from application.ports import Clock
from application.unit_of_work import Transactions, UnitOfWork
from domain.jobs.job import Job, Progress

TellFinished = Callable[[UnitOfWork, Job], Awaitable[None]]
"""Called in the unit of work that stores that a member's job is finished."""

PROGRESS_EVERY = timedelta(milliseconds=500)


async def tell_nobody(uow: UnitOfWork, job: Job) -> None:
    """Where nobody wants to know."""


class Postponed(Exception):
    """Not now: the job is put back until then, as if it had not been begun."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"Not before {until.isoformat()}.")
        self.until = until


class LeaseLost(Exception):
    """Another worker has this job by now, and what was done here is undone."""


class Run:
    """One attempt at a job."""

    def __init__(
        self,
        job: Job,
        lease_id: UUID,
        every: timedelta | None,
        transactions: Transactions,
        clock: Clock,
        tell_finished: TellFinished = tell_nobody,
    ) -> None:
        self.job = job
        self._lease_id = lease_id
        self._every = every
        self.settled = False
        self._transactions = transactions
        self._clock = clock
        self._tell_finished = tell_finished
        self._told_at = clock.now()
        self._again_at: datetime | None = None

    def again_at(self, time: datetime) -> None:
        """Within `finishing`: what is stored there is not all yet, and the job is due again then. As `Postponed`, it
        counts neither as an attempt nor as a failure."""
        self._again_at = time

    @asynccontextmanager
    async def finishing(self, result: Any = None) -> AsyncIterator[UnitOfWork]:
        """A unit of work for the effect of the job: the job succeeds with it, or nothing of it happens. So the effect
        is there exactly once, however often the job was begun.

        Raises:
            LeaseLost: another worker has the job.
        """
        async with self._transactions.begin() as uow:
            yield uow
            now = self._clock.now()
            done = self.job.succeeded(now, result)
            if self._again_at is not None:
                done = self.job.put_back(self._again_at)
            elif self._every is not None:
                done = done.again_at(now + self._every, result=result)
            asked_to_stop = await uow.jobs.settle(done, self._lease_id)
            if asked_to_stop is None:
                raise LeaseLost
            tell_job(uow, replace(done, cancel_requested=asked_to_stop))
            if done.owner_id is not None and done.is_finished:
                await self._tell_finished(uow, done)
        self.settled = True

    async def progress(self, done: int, total: int | None = None, *, rejected: int = 0) -> None:
        """Tell how far it is; stored now and then, however often it is told.

        Raises:
            LeaseLost: another worker has the job.
        """
        told = Progress(done, total, rejected)
        self.job = replace(self.job, progress=told)
        now = self._clock.now()
        if now - self._told_at < PROGRESS_EVERY:
            return
        self._told_at = now
        async with self._transactions.begin() as uow:
            asked_to_stop = await uow.jobs.note_progress(self.job.id, self._lease_id, told)
            if asked_to_stop is None:
                raise LeaseLost
            tell_job(uow, replace(self.job, cancel_requested=asked_to_stop))


@dataclass(frozen=True, slots=True)
class JobKind:
    """`work` does a job; what it returns (JSON) is the job's result. It may be begun more than once, and should be
    finished in `Run.finishing` wherever its effect is in the store. With `every` one such job is there always, and is
    done again and again."""

    name: str
    work: Callable[[Run], Awaitable[Any]]
    every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class JobKinds:
    """The catalogue."""

    by_name: dict[str, JobKind]

    @classmethod
    def of(cls, kinds: Iterable[JobKind]) -> "JobKinds":
        """Raises ValueError where two have the same name."""
        by_name: dict[str, JobKind] = {}
        for kind in kinds:
            if kind.name in by_name:
                raise ValueError(f"There are two kinds of job called {kind.name}.")
            by_name[kind.name] = kind
        return cls(by_name)

"""Jobs: work that was asked for in one transaction, and is done in another one, by whichever worker is free.

A worker holds a job by a lease. Whoever lost the lease cannot store an outcome any more, so that nothing that was
stored with an outcome is stored twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Conflict
from domain.events import Emitted

MOST_STRIKES = 8
MOST_ATTEMPTS = 600
"""At something that is away: about three days."""
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=10)
LONGEST_ERROR = 500
SEND_WEBHOOK = "send-webhook"
"""The kind of the jobs that send to webhooks: they are deliveries too."""


class Status(Enum):
    """`failed`: trying again could not help; `dead`: it was tried often enough."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})
SET_ASIDE = frozenset({Status.FAILED, Status.DEAD})
"""What becomes of a delivery that nobody tries again, until somebody says so."""
UNSUCCESSFUL = frozenset({Status.FAILED, Status.CANCELLED, Status.DEAD})


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the parts are done, of how many (None: that is not known), and how many of the done ones were
    refused."""

    done: int = 0
    total: int | None = None
    rejected: int = 0


def wait_before(strikes: int, chance: float) -> timedelta:
    """How long to wait after so many failures in a row: 1 s, 2 s, 4 s …, 10 minutes at most, of which `chance` (0 to 1)
    takes away up to a half: those that failed together shall not come back together."""
    longest = min(FIRST_WAIT * 2.0 ** min(strikes - 1, 20), LONGEST_WAIT)
    return longest * (1 - chance / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`kind` says what to do, `args` (JSON) with what. With `emitted` it is the delivery of an event to the reaction of
    that name, and the receipt for it.

    `due_at` is when it may be begun; of a running job when its lease ends, for then anybody may begin it anew; None for
    one that is finished. `attempts` counts how often it was begun, `strikes` how often it failed in a row or its worker
    was lost. Of unfinished jobs, one has the `unique_key`.
    """

    id: UUID
    kind: str
    args: Mapping[str, Any]
    created_at: datetime
    due_at: datetime | None
    owner_id: UUID | None = None
    emitted: Emitted | None = None
    unique_key: str | None = None
    status: Status = Status.QUEUED
    attempts: int = 0
    strikes: int = 0
    lease_id: UUID | None = None
    cancel_requested: bool = False
    progress: Progress = Progress()
    result: Any = None
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def delivering(cls, emitted: Emitted, *, id: UUID, to: str) -> "Job":
        """The delivery of an event to the reaction of that name, due at once."""
        return cls(id=id, kind=to, args={}, created_at=emitted.at, due_at=emitted.at, emitted=emitted)

    @property
    def is_delivery(self) -> bool:
        """Of an event: no job to whoever looks at jobs."""
        return self.emitted is not None or self.kind == SEND_WEBHOOK

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

    def claimed(self, now: datetime, lease_id: UUID, until: datetime) -> "Job":
        """In the hands of a worker until then. The attempt counts as failed until an outcome says otherwise, for its
        worker may be lost."""
        return replace(
            self,
            status=Status.RUNNING,
            attempts=self.attempts + 1,
            strikes=self.strikes + 1,
            lease_id=lease_id,
            due_at=until,
            started_at=now,
        )

    def succeeded(self, now: datetime, result: Any = None) -> "Job":
        return self._finished(Status.SUCCEEDED, now, result=result, error=None)

    def failed(self, now: datetime, error: str) -> "Job":
        """For good: trying again could not help."""
        return self._finished(Status.FAILED, now, error=_told(error))

    def struck(self, now: datetime, error: str, chance: float) -> "Job":
        """This attempt failed for a reason that nobody foresaw: tried again, but not for ever."""
        if self.strikes >= MOST_STRIKES:
            return self._finished(Status.DEAD, now, error=_told(error))
        return self._queued(now + wait_before(self.strikes, chance), error=_told(error))

    def hindered(self, now: datetime, error: str, chance: float) -> "Job":
        """Something that the work needs is away: tried again until it is back, for that is not the job's fault."""
        if self.attempts >= MOST_ATTEMPTS:
            return self._finished(Status.DEAD, now, error=_told(error))
        waited = self._queued(now + wait_before(self.attempts, chance), error=_told(error))
        return replace(waited, strikes=self.strikes - 1)

    def put_back(self, until: datetime) -> "Job":
        """As if this attempt had not been begun; due (again) at that time."""
        return replace(self._queued(until), attempts=self.attempts - 1, strikes=self.strikes - 1)

    def again_at(self, time: datetime, *, result: Any = None, error: str | None = None) -> "Job":
        """A periodic job, once it is done or given up."""
        return replace(
            self._queued(time, error=error),
            result=result,
            attempts=0,
            strikes=0,
            cancel_requested=False,
            finished_at=None,
        )

    def cancelled(self, now: datetime) -> "Job":
        return self._finished(Status.CANCELLED, now)

    def asked_to_stop(self, now: datetime) -> "Job":
        """One that waits is cancelled at once; one that runs, when its worker notices.

        Raises:
            Conflict: `job-finished`.
        """
        if self.is_finished:
            raise Conflict("job-finished", f"This job is {self.status.value} already.")
        return self.cancelled(now) if self.status is Status.QUEUED else replace(self, cancel_requested=True)

    def retried(self, now: datetime) -> "Job":
        """Once more from the beginning, by hand.

        Raises:
            Conflict: `job-not-retryable`; it succeeded, or is not finished.
        """
        if self.status not in UNSUCCESSFUL:
            raise Conflict("job-not-retryable", f"This job is {self.status.value}; one that failed can be retried.")
        return replace(
            self._queued(now), attempts=0, strikes=0, progress=Progress(), finished_at=None, cancel_requested=False
        )

    def _queued(self, due_at: datetime, *, error: str | None = None) -> "Job":
        return replace(self, status=Status.QUEUED, due_at=due_at, lease_id=None, error=error)

    def _finished(self, status: Status, now: datetime, **fields: Any) -> "Job":
        return replace(self, status=status, due_at=None, lease_id=None, finished_at=now, **fields)


def _told(error: str) -> str:
    """So much of it as is kept, and in characters that every store can hold."""
    return error[:LONGEST_ERROR].replace("\0", " ").encode("utf-8", "replace").decode()


class JobRepository(Protocol):
    """Jobs within a unit of work. Where a lease is asked for, nothing is stored for a job that it no longer holds."""

    async def add(self, job: Job) -> bool:
        """False, and nothing is added, where an unfinished job has the same unique key."""
        ...

    async def add_all(self, jobs: Sequence[Job]) -> None:
        """As `add` does it, at once, for jobs that are nobody's."""
        ...

    async def get(self, job_id: UUID) -> Job | None:
        """The job, locked until the unit of work ends."""
        ...

    async def save(self, job: Job) -> None:
        """Store what became of a job that was loaded here.

        Raises:
            Conflict: `job-unfinished`; meanwhile there is another unfinished one with the same unique key.
        """
        ...

    async def claim(
        self, kinds: Collection[str], now: datetime, *, lease_id: UUID, until: datetime, limit: int
    ) -> Sequence[Job]:
        """Take those that are due longest, in the order in which they were left; nobody else gets them until then."""
        ...

    async def settle(self, job: Job, lease_id: UUID) -> bool | None:
        """Store the outcome: whether somebody asked the job to stop meanwhile, which stays stored; None where the lease
        no longer held."""
        ...

    async def succeed(self, leases: Collection[tuple[UUID, UUID]], now: datetime) -> set[UUID]:
        """Settle many (by id and lease) that succeeded without a result; the ids of those whose lease still held."""
        ...

    async def hold(self, leases: Collection[tuple[UUID, UUID]], until: datetime) -> Mapping[UUID, bool]:
        """Renew leases. The ids of those that still held, and whether somebody asked the job to stop."""
        ...

    async def note_progress(self, job_id: UUID, lease_id: UUID, progress: Progress) -> bool | None:
        """Whether somebody asked the job to stop meanwhile; None where the lease no longer held."""
        ...

    async def remove_finished(
        self, before: datetime, *, deliveries_before: datetime, set_aside_before: datetime, limit: int
    ) -> int:
        """Some of those that finished before: of jobs, of deliveries that are done with, of deliveries that were set
        aside. How many they were."""
        ...

"""What readers get to see of jobs and of deliveries that were set aside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.jobs.job import Job, Progress, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """`not_before` is when a job that waits may be begun (again); `error` is why the latest attempt failed."""

    id: UUID
    kind: str
    status: Status
    progress: Progress
    result: Any
    error: str | None
    attempts: int
    user_id: UUID | None
    cancel_requested: bool
    created_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobView":
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            progress=job.progress,
            result=job.result,
            error=job.error,
            attempts=job.attempts,
            user_id=job.owner_id,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            not_before=job.due_at if job.status is Status.QUEUED else None,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """An event that a reaction could not deal with, set aside until somebody retries it."""

    id: UUID
    event_id: UUID
    event: str
    reaction: str
    actor: str
    at: datetime
    attempts: int
    error: str | None
    failed_at: datetime

    @classmethod
    def of(cls, job: Job) -> "FailedDelivery":
        """Of a delivery that failed for good."""
        assert job.emitted is not None and job.finished_at is not None  # noqa: S101, PT018
        return cls(
            id=job.id,
            event_id=job.emitted.id,
            event=job.emitted.name,
            reaction=job.kind,
            actor=job.emitted.actor,
            at=job.emitted.at,
            attempts=job.attempts,
            error=job.error,
            failed_at=job.finished_at,
        )


@dataclass(frozen=True, slots=True)
class JobFilters:
    """None leaves a filter out."""

    user_id: UUID | None = None
    kind: str | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a worker though it is due, deliveries too: how much, and since when the oldest. `retrying` are
    those that failed, and are or will be tried again; `set_aside` are the deliveries that wait for somebody's word."""

    waiting: int
    oldest: datetime | None
    retrying: int
    set_aside: int

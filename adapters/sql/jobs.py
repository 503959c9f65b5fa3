"""Jobs within a unit of work."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, insert, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql.batches import chosen_once
from adapters.sql.events import emitted, events_of
from adapters.sql.tables import jobs
from adapters.sql.work import Work
from domain.events import Emitted
from domain.jobs.job import SEND_WEBHOOK, SET_ASIDE, Job, JobRepository, Progress, Status

log = logging.getLogger("moothall.jobs")

is_delivery = jobs.c.event_id.is_not(None) | (jobs.c.kind == literal_column(f"'{SEND_WEBHOOK}'"))
is_set_aside = jobs.c.event_id.is_not(None) & jobs.c.status.in_(sorted(status.value for status in SET_ASIDE))

_INSERT = insert(jobs)
_INSERT_UNLESS_TAKEN = {
    "postgresql": postgresql.insert(jobs).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(jobs).on_conflict_do_nothing(),
}
_LOCK = select(jobs).where(jobs.c.id == bindparam("job_id")).with_for_update()
_UPDATE = update(jobs).where(jobs.c.id == bindparam("job_id"))
_SETTLE = _UPDATE.where(jobs.c.lease_id == bindparam("held_lease")).returning(jobs.c.cancel_requested)
_DUE = (
    select(jobs.c.id)
    .where(jobs.c.due_at <= bindparam("now"), jobs.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(jobs.c.due_at, jobs.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(jobs)
    .where(jobs.c.id.in_(chosen_once(_DUE)))
    .values(
        status=Status.RUNNING.value,
        attempts=jobs.c.attempts + 1,
        strikes=jobs.c.strikes + 1,
        lease_id=bindparam("new_lease"),
        due_at=bindparam("until"),
        started_at=bindparam("began_at"),
    )
    .returning(jobs)
)
_held = tuple_(jobs.c.id, jobs.c.lease_id).in_(bindparam("leases", expanding=True))
_SUCCEED = (
    update(jobs)
    .where(_held)
    .values(status=Status.SUCCEEDED.value, due_at=None, lease_id=None, error=None, finished_at=bindparam("now"))
    .returning(jobs.c.id)
)
_HOLD = update(jobs).where(_held).values(due_at=bindparam("until")).returning(jobs.c.id, jobs.c.cancel_requested)
_DELETE_FINISHED = delete(jobs).where(
    jobs.c.id.in_(
        chosen_once(
            select(jobs.c.id)
            .where(
                (~is_delivery & (jobs.c.finished_at <= bindparam("before")))
                | (is_delivery & ~is_set_aside & (jobs.c.finished_at <= bindparam("deliveries_before")))
                | (is_set_aside & (jobs.c.finished_at <= bindparam("set_aside_before")))
            )
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
        )
    )
)


class SqlJobs(JobRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, job: Job) -> bool:
        statement = _INSERT if job.unique_key is None else _INSERT_UNLESS_TAKEN[self._work.dialect]
        is_added = await self._work.change(statement, _row(job)) > 0
        self._work.left_jobs = self._work.left_jobs or is_added
        return is_added

    async def add_all(self, jobs: Sequence[Job]) -> None:
        if len(jobs) == 1:
            await self.add(jobs[0])
        elif jobs:
            await self._work.execute(_INSERT_UNLESS_TAKEN[self._work.dialect].values([_row(job) for job in jobs]))
            self._work.left_jobs = True

    async def get(self, job_id: UUID) -> Job | None:
        row = (await self._work.execute(_LOCK, {"job_id": job_id})).one_or_none()
        found = await self._jobs([row]) if row is not None else []
        return found[0] if found else None

    async def save(self, job: Job) -> None:
        self._work.left_jobs = True
        await self._work.execute(_UPDATE, {"job_id": job.id, **_columns(job)})

    async def claim(
        self, kinds: Collection[str], now: datetime, *, lease_id: UUID, until: datetime, limit: int
    ) -> Sequence[Job]:
        values = {
            "kinds": sorted(kinds),
            "now": now,
            "began_at": now,
            "new_lease": lease_id,
            "until": until,
            "limit": limit,
        }
        return await self._jobs((await self._work.execute(_CLAIM, values)).all())

    async def settle(self, job: Job, lease_id: UUID) -> bool | None:
        values = {"job_id": job.id, "held_lease": lease_id, **_columns(job)}
        del values["cancel_requested"]
        asked_to_stop: bool | None = (await self._work.execute(_SETTLE, values)).scalar_one_or_none()
        return asked_to_stop

    async def succeed(self, leases: Collection[tuple[UUID, UUID]], now: datetime) -> set[UUID]:
        return set((await self._work.execute(_SUCCEED, {"leases": list(leases), "now": now})).scalars())

    async def hold(self, leases: Collection[tuple[UUID, UUID]], until: datetime) -> Mapping[UUID, bool]:
        rows = await self._work.execute(_HOLD, {"leases": list(leases), "until": until})
        return {row.id: row.cancel_requested for row in rows}

    async def note_progress(self, job_id: UUID, lease_id: UUID, progress: Progress) -> bool | None:
        values = {"job_id": job_id, "held_lease": lease_id, **_progress(progress)}
        asked_to_stop: bool | None = (await self._work.execute(_SETTLE, values)).scalar_one_or_none()
        return asked_to_stop

    async def remove_finished(
        self, before: datetime, *, deliveries_before: datetime, set_aside_before: datetime, limit: int
    ) -> int:
        values = {
            "before": before,
            "deliveries_before": deliveries_before,
            "set_aside_before": set_aside_before,
            "limit": limit,
        }
        return (await self._work.execute(_DELETE_FINISHED, values)).rowcount

    async def _jobs(self, rows: Iterable[Row[Any]]) -> list[Job]:
        """In the order in which they were left, with the events that they deliver."""
        ordered = sorted(rows, key=lambda row: (row.created_at, row.id))
        found = await events_of(self._work, {row.event_id for row in ordered if row.event_id is not None})
        readable = []
        for row in ordered:
            try:
                readable.append(job(row, None if row.event_id is None else emitted(found[row.event_id])))
            except (ValueError, LookupError, TypeError):
                log.exception("Job %s cannot be read; it is left alone.", row.id)
        return readable


def job(row: Row[Any], delivered: Emitted | None = None) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        args=json.loads(row.args),
        created_at=row.created_at,
        due_at=row.due_at,
        owner_id=row.owner_id,
        emitted=delivered,
        unique_key=row.unique_key,
        status=Status(row.status),
        attempts=row.attempts,
        strikes=row.strikes,
        lease_id=row.lease_id,
        cancel_requested=row.cancel_requested,
        progress=Progress(row.progress_done, row.progress_total, row.progress_rejected),
        result=None if row.result is None else json.loads(row.result),
        error=row.error,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _row(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "args": json.dumps(job.args),
        "owner_id": job.owner_id,
        "event_id": job.emitted.id if job.emitted is not None else None,
        "unique_key": job.unique_key,
        "created_at": job.created_at,
        **_columns(job),
    }


def _columns(job: Job) -> dict[str, object]:
    """What changes in the life of a job."""
    return {
        "due_at": job.due_at,
        "status": job.status.value,
        "attempts": job.attempts,
        "strikes": job.strikes,
        "lease_id": job.lease_id,
        "cancel_requested": job.cancel_requested,
        "result": None if job.result is None else json.dumps(job.result),
        "error": job.error,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        **_progress(job.progress),
    }


def _progress(progress: Progress) -> dict[str, object]:
    return {
        "progress_done": progress.done,
        "progress_total": progress.total,
        "progress_rejected": progress.rejected,
    }

"""Jobs within a unit of work, and their read side."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory import imports
from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.paging import page
from application.jobs.ports import JobQueries
from application.jobs.views import Backlog, FailedDelivery, JobFilters, JobView
from application.paging import Position, Row
from domain.errors import Conflict
from domain.jobs.job import SET_ASIDE, Job, JobRepository, Progress, Status


class MemoryJobs(JobRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, job: Job) -> bool:
        if self._is_taken(job):
            return False
        if job.owner_id is not None and self._changes.users.get(job.owner_id) is None:
            raise LookupError(f"There is no user {job.owner_id} whose job this could be.")
        self._changes.jobs.add(job.id, _as_stored(job))
        self._changes.left_work = True
        return True

    async def add_all(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            await self.add(job)

    async def get(self, job_id: UUID) -> Job | None:
        return self._changes.jobs.get(job_id)

    async def save(self, job: Job) -> None:
        if self._is_taken(job):
            raise self._changes.spoil(Conflict("job-unfinished", "There is another such job, which is not finished."))
        self._changes.jobs.put(job.id, _as_stored(job))
        self._changes.left_work = True

    async def claim(
        self, kinds: Collection[str], now: datetime, *, lease_id: UUID, until: datetime, limit: int
    ) -> Sequence[Job]:
        due = [(job.due_at, job.id) for job in self._changes.jobs.values() if job.due_at and job.kind in kinds]
        claimed = []
        for _, job_id in sorted(place for place in due if place[0] <= now)[:limit]:
            job = self._changes.jobs.get(job_id)
            assert job is not None  # noqa: S101
            claimed.append(job.claimed(now, lease_id, until))
            self._changes.jobs.put(job_id, claimed[-1])
        return sorted(claimed, key=lambda job: (job.created_at, job.id))

    async def settle(self, job: Job, lease_id: UUID) -> bool | None:
        if not self._holds(job.id, lease_id):
            return None
        asked_to_stop = self._stored(job.id).cancel_requested
        self._changes.jobs.put(job.id, _as_stored(replace(job, cancel_requested=asked_to_stop)))
        return asked_to_stop

    async def succeed(self, leases: Collection[tuple[UUID, UUID]], now: datetime) -> set[UUID]:
        held = {job_id for job_id, lease_id in leases if self._holds(job_id, lease_id)}
        for job_id in held:
            self._changes.jobs.put(job_id, self._stored(job_id).succeeded(now))
        return held

    async def hold(self, leases: Collection[tuple[UUID, UUID]], until: datetime) -> Mapping[UUID, bool]:
        held = [self._stored(job_id) for job_id, lease_id in leases if self._holds(job_id, lease_id)]
        for job in held:
            self._changes.jobs.put(job.id, replace(job, due_at=until))
        return {job.id: job.cancel_requested for job in held}

    async def note_progress(self, job_id: UUID, lease_id: UUID, progress: Progress) -> bool | None:
        if not self._holds(job_id, lease_id):
            return None
        stored = self._stored(job_id)
        self._changes.jobs.put(job_id, replace(stored, progress=progress))
        return stored.cancel_requested

    async def remove_finished(
        self, before: datetime, *, deliveries_before: datetime, set_aside_before: datetime, limit: int
    ) -> int:
        def is_old(job: Job) -> bool:
            if job.finished_at is None:
                return False
            if not job.is_delivery:
                return job.finished_at <= before
            is_set_aside = job.emitted is not None and job.status in SET_ASIDE
            return job.finished_at <= (set_aside_before if is_set_aside else deliveries_before)

        old = [job.id for job in self._changes.jobs.values() if is_old(job)]
        for job_id in old[:limit]:
            imports.remove_of(self._changes, job_id)
        return sum([self._changes.jobs.remove(job_id) for job_id in old[:limit]])

    def _stored(self, job_id: UUID) -> Job:
        job = self._changes.jobs.get(job_id)
        if job is None:
            raise LookupError(f"There is no job {job_id}.")
        return job

    def _holds(self, job_id: UUID, lease_id: UUID) -> bool:
        job = self._changes.jobs.get(job_id)
        return job is not None and job.lease_id == lease_id

    def _is_taken(self, job: Job) -> bool:
        if job.unique_key is None or job.is_finished:
            return False
        others = (other for other in self._changes.jobs.values() if other.id != job.id)
        return any(other.unique_key == job.unique_key and not other.is_finished for other in others)


class MemoryJobQueries(JobQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def job(self, job_id: UUID) -> JobView | None:
        job = self._database.jobs.get(job_id)
        return JobView.of(job) if job is not None and not job.is_delivery else None

    async def jobs(self, filters: JobFilters, *, after: Position | None, offset: int, limit: int) -> list[Row[JobView]]:
        rows = [Row(Position(job.created_at, job.id), JobView.of(job)) for job in self._found(filters)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_jobs(self, filters: JobFilters) -> int:
        return len(self._found(filters))

    async def failed_deliveries(self, *, after: Position | None, offset: int, limit: int) -> list[Row[FailedDelivery]]:
        views = [FailedDelivery.of(job) for job in self._set_aside()]
        rows = [Row(Position(view.failed_at, view.id), view) for view in views]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_failed_deliveries(self) -> int:
        return len(self._set_aside())

    async def backlog(self, now: datetime) -> Backlog:
        due = [job.due_at for job in self._database.jobs.values() if job.due_at is not None and job.due_at <= now]
        retrying = sum(job.status is Status.QUEUED and job.attempts > 0 for job in self._database.jobs.values())
        return Backlog(len(due), min(due, default=None), retrying, len(self._set_aside()))

    def _found(self, filters: JobFilters) -> list[Job]:
        return [job for job in self._database.jobs.values() if not job.is_delivery and _passes(job, filters)]

    def _set_aside(self) -> list[Job]:
        return [j for j in self._database.jobs.values() if j.emitted is not None and j.status in SET_ASIDE]


def _as_stored(job: Job) -> Job:
    """What is JSON is kept as values, as a database would."""
    return replace(job, args=json.loads(json.dumps(job.args)), result=json.loads(json.dumps(job.result)))


def _passes(job: Job, filters: JobFilters) -> bool:
    return (
        filters.user_id in (None, job.owner_id)
        and filters.kind in (None, job.kind)
        and filters.status in (None, job.status)
    )

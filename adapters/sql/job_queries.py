"""The read side of jobs."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from adapters.sql.jobs import is_delivery, is_set_aside, job
from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.tables import events, jobs
from adapters.sql.text import storable
from application.jobs.ports import JobQueries
from application.jobs.views import Backlog, FailedDelivery, JobFilters, JobView
from application.paging import Position
from application.paging import Row as Placed
from domain.jobs.job import Status

_JOBS = select(jobs).where(~is_delivery)
_JOB = _JOBS.where(jobs.c.id == bindparam("job_id"))
_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "user_id": jobs.c.owner_id == bindparam("user_id"),
    "kind": jobs.c.kind == bindparam("kind"),
    "status": jobs.c.status == bindparam("status"),
}
_COUNT_SET_ASIDE = select(func.count()).select_from(jobs).where(is_set_aside)
_is_due = jobs.c.due_at <= bindparam("now")
_is_retried = (jobs.c.status == Status.QUEUED.value) & (jobs.c.attempts > 0)
_backlog = [
    func.count().filter(_is_due).label("waiting"),
    func.min(jobs.c.due_at).filter(_is_due).label("oldest"),
    func.count().filter(_is_retried).label("retrying"),
]
_BACKLOG = select(*_backlog, _COUNT_SET_ASIDE.scalar_subquery().label("set_aside")).where(jobs.c.due_at.is_not(None))


class SqlJobQueries(JobQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def job(self, job_id: UUID) -> JobView | None:
        rows = await self._reader.look_up(_JOB, {"job_id": job_id})
        return JobView.of(job(rows[0])) if rows else None

    async def jobs(
        self, filters: JobFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[JobView]]:
        parameters = _set(filters)
        if parameters is None:
            return []
        statement = _page(frozenset(parameters), after is not None)
        rows = await self._reader.search(statement, {**parameters, **place(after, offset, limit)})
        return [Placed(Position(row.created_at, row.id), JobView.of(job(row))) for row in rows]

    async def count_jobs(self, filters: JobFilters) -> int:
        parameters = _set(filters)
        if parameters is None:
            return 0
        return int((await self._reader.search(_count(frozenset(parameters)), parameters))[0][0])

    async def failed_deliveries(
        self, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[FailedDelivery]]:
        rows = await self._reader.search(_failed_page(after is not None), place(after, offset, limit))
        return [Placed(Position(row.finished_at, row.id), _failed(row)) for row in rows]

    async def count_failed_deliveries(self) -> int:
        return int((await self._reader.search(_COUNT_SET_ASIDE, {}))[0][0])

    async def backlog(self, now: datetime) -> Backlog:
        row = (await self._reader.search(_BACKLOG, {"now": now}))[0]
        return Backlog(row.waiting, row.oldest, row.retrying, row.set_aside)


def _set(filters: JobFilters) -> dict[str, Any] | None:
    """The filters that are set; None where one of them can match nothing that a store could hold."""
    if filters.kind is not None and not storable(filters.kind):
        return None
    status = filters.status.value if filters.status is not None else None
    found = {"user_id": filters.user_id, "kind": filters.kind, "status": status}
    return {name: value for name, value in found.items() if value is not None}


@lru_cache
def _page(filters: frozenset[str], continues: bool) -> Select[Any]:
    return paged(_where(_JOBS, filters), jobs.c.created_at, jobs.c.id, descending=True, continues=continues)


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return _where(select(func.count()).select_from(jobs).where(~is_delivery), filters)


@lru_cache
def _failed_page(continues: bool) -> Select[Any]:
    statement = select(jobs, events.c.type, events.c.actor, events.c.at).join(events).where(is_set_aside)
    return paged(statement, jobs.c.finished_at, jobs.c.id, descending=True, continues=continues)


def _failed(row: Any) -> FailedDelivery:
    return FailedDelivery(
        id=row.id,
        event_id=row.event_id,
        event=row.type,
        reaction=row.kind,
        actor=row.actor,
        at=row.at,
        attempts=row.attempts,
        error=row.error,
        failed_at=row.finished_at,
    )


def _where(statement: Select[Any], filters: frozenset[str]) -> Select[Any]:
    return statement.where(*(condition for name, condition in _CONDITIONS.items() if name in filters))

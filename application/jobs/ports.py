"""The read side of jobs."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.jobs.views import Backlog, FailedDelivery, JobFilters, JobView
from application.paging import Position, Row


class JobQueries(Protocol):
    """Views, outside of any unit of work. Deliveries of events are no jobs to whoever looks."""

    async def job(self, job_id: UUID) -> JobView | None: ...

    async def jobs(self, filters: JobFilters, *, after: Position | None, offset: int, limit: int) -> list[Row[JobView]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_jobs(self, filters: JobFilters) -> int: ...

    async def failed_deliveries(self, *, after: Position | None, offset: int, limit: int) -> list[Row[FailedDelivery]]:
        """Failed last first, ties by id downwards."""
        ...

    async def count_failed_deliveries(self) -> int: ...

    async def backlog(self, now: datetime) -> Backlog: ...

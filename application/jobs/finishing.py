"""Telling that a member's job is over."""

from dataclasses import dataclass

from application.outbox import Outbox
from application.unit_of_work import UnitOfWork
from domain.access.actor import PROCESS, Actor
from domain.jobs.events import JobFinished
from domain.jobs.job import Job


@dataclass(frozen=True)
class FinishedJobs:
    outbox: Outbox

    async def tell(self, uow: UnitOfWork, job: Job, by: Actor = PROCESS) -> None:
        """In the unit of work that stores it. Of jobs that are nobody's there is nothing to tell."""
        if job.owner_id is not None:
            await self.outbox.emit(uow, by, JobFinished(job.id, job.owner_id, job.kind, job.status.value))

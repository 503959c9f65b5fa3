"""Watching a job until it is finished."""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from domain.access.actor import Actor
from domain.jobs.job import UNFINISHED
from entrypoints.cli.progress import telling

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import JobView

LOOK_EVERY = 0.3
"""Seconds."""


async def watched(application: "Application", actor: Actor, job_id: UUID, *, quiet: bool) -> "JobView":
    """The job once it is finished; until then how far it is is told on standard error."""
    with telling(quiet=quiet) as tell:
        while True:
            job = await application.jobs.show_job(actor, job_id=job_id)
            tell(job)
            if job.status not in UNFINISHED:
                return job
            await asyncio.sleep(LOOK_EVERY)

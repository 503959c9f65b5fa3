"""Jobs and deliveries, stored straight through the repositories: so a test has them in whatever state it wants."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.app import Application
from domain.access.actor import NOWHERE
from domain.events import Emitted, Event
from domain.identity.events import EmailVerified
from domain.jobs.job import Job


def a_job(now: datetime, owner_id: UUID | None = None, **fields: Any) -> Job:
    """One that waits, and is due."""
    return Job(
        **{"id": uuid4(), "kind": "count", "args": {}, "created_at": now, "due_at": now, "owner_id": owner_id, **fields}
    )


def begun(job: Job) -> Job:
    """In the hands of a worker, who has a minute."""
    return job.claimed(job.created_at, uuid4(), job.created_at + timedelta(minutes=1))


def failed(job: Job, error: str = "no-such-file: There is no such file.") -> Job:
    return begun(job).failed(job.created_at, error)


def a_delivery(now: datetime, event: Event | None = None, reaction: str = "mail-welcome") -> Job:
    """One that was set aside."""
    event = event or EmailVerified(user_id=uuid4())
    emitted = Emitted.of(event, id=uuid4(), at=now, actor="anonymous", origin=NOWHERE)
    return failed(a_job(now, kind=reaction, emitted=emitted), "mail-refused: Nobody of that name here.")


async def store(application: Application, *jobs: Job) -> None:
    async with application.jobs.retry_job.transactions.begin() as uow:
        for job in jobs:
            if job.emitted is not None:
                await uow.events.add(job.emitted)
            assert await uow.jobs.add(job)

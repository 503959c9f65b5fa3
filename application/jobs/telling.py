"""Telling members how their jobs get on, as it happens."""

from application.jobs.views import JobView
from application.live.plain import as_plain
from application.live.told import Told, Topic
from application.unit_of_work import UnitOfWork
from domain.jobs.job import Job


def tell_job(uow: UnitOfWork, job: Job) -> None:
    """In the unit of work that stores the job so. What is nobody's is told to nobody."""
    if job.owner_id is not None:
        uow.told.append(Told(Topic.JOB, job.owner_id, {"job": as_plain(JobView.of(job))}))

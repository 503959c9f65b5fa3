"""`moothall jobs`: what is done in the background."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.jobs.job import Status
from entrypoints.cli.errors import ExitCode
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.progress import parts
from entrypoints.cli.running import on_application, pages
from entrypoints.cli.watching import watched

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import JobView

COLUMNS = ("id", "kind", "status", "progress", "user_id", "created_at", "error")

app = noun("What is done in the background.")

JobId = Annotated[UUID, typer.Argument(metavar="JOB_ID")]


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only of this kind.")] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Only this member's.")] = None,
    limit: Limit = None,
) -> None:
    """List jobs, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.jobs.views import JobFilters

        user_id = await application.identity.find_user(actor, name=user) if user is not None else None
        filters = JobFilters(user_id=user_id, kind=kind, status=status)
        output, list_jobs = Output.of(context), application.jobs.list_jobs
        with output.listing(COLUMNS) as add:
            async for page in pages(lambda page: list_jobs(actor, filters=filters, page=page), limit):
                add(page if output.json else [_readable(job) for job in page])

    on_application(work)


@app.command()
def show(
    context: typer.Context,
    job_id: JobId,
    watch: Annotated[bool, typer.Option("--watch", help="Show how far it is, until it is finished.")] = False,
) -> None:
    """Show one job.

    With --watch it exits with 0 if the job succeeded, else with 1. Ctrl-C ends the watching, not the job.
    """
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> "JobView":
        if not watch:
            return await application.jobs.show_job(actor, job_id=job_id)
        return await watched(application, actor, job_id, quiet=output.quiet)

    found = on_application(work)
    _show(output, found)
    if watch and found.status is not Status.SUCCEEDED:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def cancel(context: typer.Context, job_id: JobId) -> None:
    """Cancel a job: at once if it waits, soon if it runs."""

    async def work(application: "Application", actor: Actor) -> "JobView":
        return await application.jobs.cancel_job(actor, job_id=job_id)

    output = Output.of(context)
    found = on_application(work)
    _show(output, found)
    if found.status is not Status.CANCELLED:
        output.say("It runs, and was asked to stop.")


@app.command()
def retry(context: typer.Context, job_id: JobId) -> None:
    """Have a job done once more that failed, died or was cancelled."""

    async def work(application: "Application", actor: Actor) -> "JobView":
        return await application.jobs.retry_job(actor, job_id=job_id)

    _show(Output.of(context), on_application(work))


def _show(output: Output, job: "JobView") -> None:
    output.show(job if output.json else _readable(job))


def _readable(job: "JobView") -> Mapping[str, object]:
    """For people: each field in one line."""
    result = None if job.result is None else json.dumps(job.result)
    return {**asdict(job), "progress": parts(job.progress), "result": result}

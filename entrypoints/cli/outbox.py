"""`moothall outbox`: what should have followed from events, and failed too often."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.errors import Conflict, NotFound
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application

COLUMNS = ("id", "failed_at", "event", "reaction", "attempts", "error")

app = noun("What should have followed from events (mails, above all), and failed too often.")


@app.command("list")
def list_(context: typer.Context, limit: Limit = None) -> None:
    """List what was set aside, failed last first."""

    async def work(application: "Application", actor: Actor) -> None:
        list_failed = application.jobs.list_failed_deliveries
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: list_failed(actor, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def retry(
    context: typer.Context,
    delivery_id: Annotated[UUID | None, typer.Argument(metavar="ID", help="As `outbox list` names it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that was set aside.")] = False,
) -> None:
    """Have what was set aside tried again."""
    if (delivery_id is not None) == everything:
        raise wrong_usage("Name what to retry by its id, or say --all.")
    if delivery_id is not None:
        _retry_one(delivery_id)
        count = 1
    else:
        count = on_application(_retry_all)
    Output.of(context).say(f"Tried again soon: {count}.")


def _retry_one(delivery_id: UUID) -> None:
    async def work(application: "Application", actor: Actor) -> None:
        await application.jobs.retry_delivery(actor, delivery_id=delivery_id)

    on_application(work)


async def _retry_all(application: "Application", actor: Actor) -> int:
    """How many there were; without those that somebody else retries meanwhile."""
    count = 0
    async for page in pages(lambda page: application.jobs.list_failed_deliveries(actor, page=page)):
        for failed in page:
            with suppress(Conflict, NotFound):
                await application.jobs.retry_delivery(actor, delivery_id=failed.id)
                count += 1
    return count

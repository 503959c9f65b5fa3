"""`moothall outbox`: what should have followed from events, and was set aside."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.errors import NotFound
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.management import DiscardDelivery, RetryDelivery

COLUMNS = ("id", "failed_at", "event", "reaction", "attempts", "error")

app = noun("What should have followed from events (mails, above all), and was set aside.")


@app.command("list")
def list_(context: typer.Context, limit: Limit = None) -> None:
    """List what was set aside, failed last first."""

    async def work(application: "Application", actor: Actor) -> None:
        list_failed = application.jobs.list_failed_deliveries
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: list_failed(actor, page=page), limit):
                add(page)

    on_application(work)


Which = Annotated[UUID | None, typer.Argument(metavar="ID", help="As `outbox list` names it.")]
Everything = Annotated[bool, typer.Option("--all", help="All that was set aside.")]


@app.command()
def retry(context: typer.Context, delivery_id: Which = None, everything: Everything = False) -> None:
    """Have what was set aside tried again."""
    count = _with_each(delivery_id, everything, lambda application: application.jobs.retry_delivery)
    Output.of(context).say(f"Tried again soon: {count}.")


@app.command()
def discard(context: typer.Context, delivery_id: Which = None, everything: Everything = False) -> None:
    """Let nothing follow any more from what was set aside. Asks first."""
    output = Output.of(context)
    output.confirm("Discard all that was set aside?" if everything else f"Discard {delivery_id}?")
    count = _with_each(delivery_id, everything, lambda application: application.jobs.discard_delivery)
    output.say(f"Discarded: {count}.")


def _with_each(
    delivery_id: UUID | None, everything: bool, chosen: "Callable[[Application], RetryDelivery | DiscardDelivery]"
) -> int:
    """How many it was done with; of all, without those that somebody else dealt with meanwhile."""
    if (delivery_id is not None) == everything:
        raise wrong_usage("Name one by its id, or say --all.")

    async def work(application: "Application", actor: Actor) -> int:
        use = chosen(application)
        if delivery_id is not None:
            await use(actor, delivery_id=delivery_id)
            return 1
        count = 0
        async for page in pages(lambda page: application.jobs.list_failed_deliveries(actor, page=page)):
            for failed in page:
                with suppress(NotFound):
                    await use(actor, delivery_id=failed.id)
                    count += 1
        return count

    return on_application(work)

"""`moothall webhooks`: other services that are told what happens here."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.webhooks.delivery import DeliveryStatus
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages
from entrypoints.cli.times import moment

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import JobView
    from application.webhooks.views import DeliveryView, NewWebhook, WebhookView

COLUMNS = ("id", "url", "events", "is_active", "disabled_reason")
DELIVERY_COLUMNS = ("id", "created_at", "event", "subject", "status", "attempts", "last_status", "error")

app = noun("Other services that are told what happens here.")

Id = Annotated[UUID, typer.Argument(metavar="WEBHOOK_ID")]
Event = Annotated[
    list[str] | None, typer.Option("--event", metavar="E", help="order.paid, order.* or *; may be given several times.")
]


@app.command("list")
def list_(context: typer.Context, limit: Limit = None) -> None:
    """List webhooks, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: application.webhooks.list_webhooks(actor, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, webhook_id: Id) -> None:
    """Show one webhook. Its secret is never shown again."""

    async def work(application: "Application", actor: Actor) -> "WebhookView":
        return (await application.webhooks.show_webhook(actor, webhook_id=webhook_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL")],
    event: Event = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT")] = None,
) -> None:
    """Have another service told what happens from now on; its secret is shown this once."""
    if not event:
        raise wrong_usage("Say which events with --event; see --help.")

    async def work(application: "Application", actor: Actor) -> "NewWebhook":
        created = await application.webhooks.create_webhook(actor, url=url, events=event, description=description)
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def update(
    context: typer.Context,
    webhook_id: Id,
    url: Annotated[str | None, typer.Option(metavar="URL")] = None,
    event: Event = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help='"" takes it away.')] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Switch it on or off.")] = None,
) -> None:
    """Change what is given, and nothing else."""
    given: dict[str, Any] = {"url": url, "events": event or None, "is_active": active}
    changes = {field: value for field, value in given.items() if value is not None}
    if description is not None:
        changes["description"] = description or None
    if not changes:
        raise wrong_usage("Say what to change; see --help.")

    async def work(application: "Application", actor: Actor) -> "WebhookView":
        return (await application.webhooks.update_webhook(actor, webhook_id=webhook_id, **changes)).value

    Output.of(context).show(on_application(work))


@app.command()
def delete(context: typer.Context, webhook_id: Id) -> None:
    """Delete a webhook. Asks first."""
    output = Output.of(context)
    output.confirm(f"Delete the webhook {webhook_id}, and send it nothing any more?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.webhooks.delete_webhook(actor, webhook_id=webhook_id)

    on_application(work)
    output.say(f"Deleted the webhook {webhook_id}.")


@app.command()
def rotate_secret(context: typer.Context, webhook_id: Id) -> None:
    """Give it another secret, shown this once. The one before signs beside it for a day."""

    async def work(application: "Application", actor: Actor) -> "NewWebhook":
        return (await application.webhooks.rotate_webhook_secret(actor, webhook_id=webhook_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def deliveries(
    context: typer.Context,
    webhook_id: Id,
    status: Annotated[
        DeliveryStatus | None, typer.Option(metavar="STATUS", help="pending, delivered or failed; else all.")
    ] = None,
    event: Annotated[str | None, typer.Option(metavar="E", help="Only of this event.")] = None,
    delivery: Annotated[
        UUID | None, typer.Option("--show", metavar="DELIVERY_ID", help="This one alone, with what is sent.")
    ] = None,
    limit: Limit = None,
) -> None:
    """List what was sent to a webhook, and what became of it, newest first."""
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> None:
        from application.webhooks.views import DeliveryFilters

        if delivery is not None:
            show_one = application.webhooks.show_webhook_delivery
            output.show(await show_one(actor, webhook_id=webhook_id, delivery_id=delivery))
            return
        filters, list_sent = DeliveryFilters(status, event), application.webhooks.list_webhook_deliveries
        with output.listing(DELIVERY_COLUMNS) as add:
            async for page in pages(
                lambda page: list_sent(actor, webhook_id=webhook_id, filters=filters, page=page), limit
            ):
                add(page)

    on_application(work)


Time = Annotated[datetime | None, typer.Option(metavar="TIME", parser=moment, help="2026-11-21T09:30:00Z.")]


@app.command()
def replay(
    context: typer.Context,
    webhook_id: Id,
    delivery_id: Annotated[UUID | None, typer.Argument(metavar="DELIVERY_ID", help="Else say --since.")] = None,
    since: Time = None,
    until: Time = None,
    status: Annotated[
        DeliveryStatus | None, typer.Option(metavar="STATUS", help="Of a span: failed or delivered; else both.")
    ] = None,
) -> None:
    """Send one delivery, or what belongs to a span of time (until now), once more, by the ids that they had."""
    output = Output.of(context)
    if (delivery_id is None) == (since is None) or (since is None and (until or status)):
        raise wrong_usage("Name a delivery by its id, or say --since, perhaps with --until and --status.")

    async def one(application: "Application", actor: Actor) -> "DeliveryView":
        assert delivery_id is not None  # noqa: S101
        replay_one = application.webhooks.replay_webhook_delivery
        return await replay_one(actor, webhook_id=webhook_id, delivery_id=delivery_id)

    async def span(application: "Application", actor: Actor) -> "JobView":
        assert since is not None  # noqa: S101
        replay_span = application.webhooks.replay_webhook_deliveries
        end = until or application.webhooks.replay_webhook_delivery.clock.now()
        return await replay_span(actor, webhook_id=webhook_id, since=since, until=end, status=status)

    if delivery_id is not None:
        output.show(on_application(one))
        return
    job = on_application(span)
    output.show(job if output.json else {"id": job.id, "kind": job.kind, "status": job.status})
    output.say(f"See how far it is: moothall jobs show {job.id} --watch")


@app.command()
def listen(
    context: typer.Context,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="0: any that is free.")] = 4000,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="The secret is read from standard input.")
    ] = False,
    secret_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The secret is read from there.")] = None,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="End after so many messages.")] = None,
) -> None:
    """Receive webhooks, print each, and say whether its signature is good: for trying out, and for looking at what
    comes. The secret is asked for, or comes from standard input, a file, or WEBHOOK_SECRET."""
    from entrypoints.cli.listening import listen as receive
    from entrypoints.cli.listening import secret_from

    secret = secret_from(secret_stdin, secret_file)
    receive(Output.of(context), secret, host=host, port=port, count=count)

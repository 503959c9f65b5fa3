"""`moothall notifications`: what members are told."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import JobView
    from application.notifications.views import NotificationView
    from domain.notifications.preferences import Choice

COLUMNS = ("id", "kind", "title", "created_at", "read_at")
ON_OFF = {"on": True, "off": False}

app = noun("What members are told. A USER is an id, an e-mail address or a username.")

Whose = Annotated[str, typer.Option("--as", metavar="USER", help="Whose they are.")]
NotificationId = Annotated[UUID, typer.Argument(metavar="NOTIFICATION_ID")]
Title = Annotated[str, typer.Option(metavar="TITLE", help="One line.")]
Words = Annotated[str, typer.Option("--body", metavar="TEXT", help="What there is to say.")]


@app.command("list")
def list_(
    context: typer.Context,
    owner: Whose,
    unread: Annotated[bool, typer.Option("--unread", help="Only those that are unread.")] = False,
    limit: Limit = None,
) -> None:
    """List a member's notifications, newest first."""
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=owner)
        list_notifications = application.notifications.list_notifications
        with output.listing(COLUMNS) as add:
            async for page in pages(
                lambda page: list_notifications(actor, user_id=user_id, unread=True if unread else None, page=page),
                limit,
            ):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, notification_id: NotificationId) -> None:
    """Show one notification. That does not mark it as read."""

    async def work(application: "Application", actor: Actor) -> "NotificationView":
        return await application.notifications.show_notification(actor, notification_id=notification_id)

    Output.of(context).show(on_application(work))


@app.command()
def read(context: typer.Context, notification_id: NotificationId) -> None:
    """Mark a notification as read."""

    async def work(application: "Application", actor: Actor) -> "NotificationView":
        return await application.notifications.read_notification(actor, notification_id=notification_id)

    Output.of(context).show(on_application(work))


@app.command()
def read_all(context: typer.Context, owner: Whose) -> None:
    """Mark all of a member's notifications as read."""

    async def work(application: "Application", actor: Actor) -> int:
        user_id = await application.identity.find_user(actor, name=owner)
        return await application.notifications.read_all_notifications(actor, user_id=user_id)

    count = on_application(work)
    Output.of(context).say(f"Marked {count} notifications as read.")


@app.command()
def send(
    context: typer.Context, user: Annotated[str, typer.Argument(metavar="USER")], title: Title, body: Words
) -> None:
    """Write to one member."""

    async def work(application: "Application", actor: Actor) -> "NotificationView":
        user_id = await application.identity.find_user(actor, name=user)
        return await application.notifications.send_notification(actor, user_id=user_id, title=title, body=body)

    Output.of(context).show(on_application(work))


@app.command()
def broadcast(context: typer.Context, title: Title, body: Words) -> None:
    """Write to all active members: a job, of which `moothall jobs show` tells how far it is."""

    async def work(application: "Application", actor: Actor) -> "JobView":
        return await application.notifications.broadcast_notification(actor, title=title, body=body)

    output = Output.of(context)
    job = on_application(work)
    output.show(job if output.json else {"id": job.id, "kind": job.kind, "status": job.status})
    output.say(f"See how far it is: moothall jobs show {job.id} --watch")


@app.command()
def preferences(
    context: typer.Context,
    owner: Whose,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KIND.CHANNEL=on|off", help="broadcast.in_app=off; may be given several times."),
    ] = None,
) -> None:
    """Show what a member wants to be told, here and by mail; or change it."""
    wanted = _parsed(changes or [])

    async def work(application: "Application", actor: Actor) -> "Mapping[str, Choice]":
        user_id = await application.identity.find_user(actor, name=owner)
        if wanted:
            changed = await application.notifications.change_preferences(actor, user_id=user_id, changes=wanted)
            return changed.value
        return (await application.notifications.show_preferences(actor, user_id=user_id)).value

    output = Output.of(context)
    found = on_application(work)
    if output.json:
        output.show({kind: {"in_app": choice.in_app, "mail": choice.mail} for kind, choice in found.items()})
    else:
        output.show(
            {kind: f"in_app={_said(choice.in_app)} mail={_said(choice.mail)}" for kind, choice in found.items()}
        )


def _parsed(changes: list[str]) -> dict[str, dict[str, bool]]:
    """Raises a usage error for what does not read KIND.CHANNEL=on|off; which kinds there are is not known here."""
    wanted: dict[str, dict[str, bool]] = {}
    for change in changes:
        place, _, state = change.partition("=")
        kind, _, channel = place.partition(".")
        if not kind or not channel or state not in ON_OFF:
            raise wrong_usage(f"--set {change!r}: say KIND.CHANNEL=on or off, such as broadcast.mail=on.")
        wanted.setdefault(kind, {})[channel] = ON_OFF[state]
    return wanted


def _said(wanted: bool) -> str:
    return "on" if wanted else "off"

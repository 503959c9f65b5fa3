"""`moothall audit`: who did what, and whether anybody changed that since."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from domain.access.actor import Actor
from domain.errors import NotFound
from entrypoints.cli.errors import ExitCode, wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages
from entrypoints.cli.times import moment

if TYPE_CHECKING:
    from application.app import Application
    from application.audit.views import Verification
    from domain.audit.entry import Entry

COLUMNS = ("at", "actor", "via", "action", "subject", "item", "fields", "address")
LINK_COLUMNS = ("number", "flaw", "entry_id")

app = noun("Who did what, and whether anybody changed that since.")


@app.command("list")
def list_(
    context: typer.Context,
    by: Annotated[
        str | None,
        typer.Option("--actor", metavar="A", help="Who did it: a USER, cli:NAME, anonymous or moothall."),
    ] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="What was done, such as user.roles-set.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="S", help="To whom or what: a member's id, a role's name, a signing key's id.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="To this member, instead of --subject.")] = None,
    since: Annotated[
        datetime | None, typer.Option(metavar="TIME", parser=moment, help="From then on: 2026-11-21T09:30:00Z.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(metavar="TIME", parser=moment, help="Before then.")] = None,
    limit: Limit = None,
) -> None:
    """List what was done, newest first. Entries hold ids and the names of fields, never what is in them."""
    if subject is not None and user is not None:
        raise wrong_usage("Name whom it happened to with --subject or with --user, not with both.")

    async def work(application: "Application", actor: Actor) -> None:
        from application.audit.views import AuditFilters

        found = str(await application.identity.find_user(actor, name=user)) if user is not None else subject
        whose = by if by is None else await _called(application, actor, by)
        filters = AuditFilters(actor=whose, action=action, subject=found, since=since, until=until)
        output = Output.of(context)
        with output.listing(COLUMNS) as add:
            list_entries = application.audit.list_entries
            async for page in pages(lambda page: list_entries(actor, filters=filters, page=page), limit):
                add(page if output.json else [{**asdict(entry), "via": _via(entry)} for entry in page])

    on_application(work)


async def _called(application: "Application", actor: Actor, name: str) -> str:
    """As the trail calls them: a member by their id, everybody else as they are."""
    try:
        return str(await application.identity.find_user(actor, name=name))
    except NotFound:
        return name


def _via(entry: "Entry") -> str | None:
    """By which means the actor did it, if not in person."""
    if entry.api_key_id is not None:
        return f"key:{entry.api_key_id}"
    return f"as:{entry.impersonating}" if entry.impersonating is not None else None


@app.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:DIGEST", help="What an earlier check printed: so much has to be there still."),
    ] = None,
) -> None:
    """Check that no sealed entry was changed or removed.

    Exits with 0 if none was, else with 1. Keep the head that it prints somewhere else: with it a later check notices
    when the newest entries were cut off.
    """

    async def work(application: "Application", actor: Actor) -> "Verification":
        return await application.audit.verify(actor, head=head)

    output = Output.of(context)
    found = on_application(work)
    if output.json:
        output.show(found)
    else:
        counts = {"sealed": found.sealed, "unsealed": found.unsealed, "unproven": found.unproven}
        output.show({**counts, "head": found.head})
        with output.listing(LINK_COLUMNS) as add:
            add(found.broken)
    if found.broken:
        output.say(f"The trail is not what was sealed. Broken links: {len(found.broken)}.")
    if found.unproven:
        output.say(
            f"{found.unproven} entries were sealed under a secret that is not known here; --head can vouch for them."
        )
    if not found.is_sound:
        raise typer.Exit(ExitCode.FAILED)
    output.say("No sealed entry was changed or removed.")


@app.command()
def seal(context: typer.Context) -> None:
    """Seal the entries that are not sealed yet. Servers and workers do it all the time."""

    async def work(application: "Application", actor: Actor) -> int:
        return (await application.audit.seal(actor)).count

    Output.of(context).say(f"Sealed {on_application(work)} entries.")

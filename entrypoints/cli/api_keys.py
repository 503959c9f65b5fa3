"""`moothall api-keys`: what members' programs sign in with."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages
from entrypoints.cli.times import deadline

if TYPE_CHECKING:
    from application.access.views import ApiKeyView, NewApiKey
    from application.app import Application

COLUMNS = ("id", "user_id", "name", "prefix", "permissions", "expires_at", "last_used_at")

app = noun("What members' programs sign in with. A USER is an id, an e-mail address or a username.")


@app.command("list")
def list_(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option("--as", metavar="USER", help="This member's; else everybody's.")] = None,
    limit: Limit = None,
) -> None:
    """List API keys, newest first. The keys themselves are never shown again."""

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=owner) if owner is not None else None
        list_api_keys = application.access.list_api_keys
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: list_api_keys(actor, user_id=user_id, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def create(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--as", metavar="USER", help="Whose it is.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is for.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(metavar="P", help="May be given several times; else it reads what is its owner's."),
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=deadline, help="2026-11-21T09:30:00Z, or days from now: 90d; else never."),
    ] = None,
) -> None:
    """Make an API key, and show it this once."""

    async def work(application: "Application", actor: Actor) -> "NewApiKey":
        user_id = await application.identity.find_user(actor, name=owner)
        return await application.access.create_api_key(
            actor, user_id=user_id, name=name, permissions=permission or (), expires_at=expires
        )

    output = Output.of(context)
    output.show(on_application(work))
    output.say("The key is not shown again: keep it now.")


@app.command()
def show(context: typer.Context, key_id: Annotated[UUID, typer.Argument(metavar="KEY_ID")]) -> None:
    """Show one key, though never the key itself."""

    async def work(application: "Application", actor: Actor) -> "ApiKeyView":
        return await application.access.show_api_key(actor, key_id=key_id)

    Output.of(context).show(on_application(work))


@app.command()
def revoke(context: typer.Context, key_id: Annotated[UUID, typer.Argument(metavar="KEY_ID")]) -> None:
    """Revoke an API key. Asks first."""
    output = Output.of(context)
    output.confirm(f"Revoke the API key {key_id}, and turn away the programs that use it?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.access.revoke_api_key(actor, key_id=key_id)

    on_application(work)
    output.say(f"Revoked the API key {key_id}.")

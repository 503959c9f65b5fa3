"""`moothall rooms`: where members talk."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.live.views import Numbered, RoomMessageView, RoomView

COLUMNS = ("name", "title", "permission", "created_at")
SAID = ("number", "at", "author", "text")

app = noun("Rooms that members talk in.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = None) -> None:
    """List rooms, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: application.live.list_rooms(actor, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show one room."""

    async def work(application: "Application", actor: Actor) -> "RoomView":
        return (await application.live.show_room(actor, name=name)).value

    Output.of(context).show(on_application(work))


@app.command()
def create(
    context: typer.Context,
    name: Name,
    title: Annotated[str, typer.Option(metavar="TEXT")],
    permission: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whoever holds it may enter; else every member.")
    ] = None,
) -> None:
    """Open a room."""

    async def work(application: "Application", actor: Actor) -> "RoomView":
        created = await application.live.create_room(actor, name=name, title=title, permission=permission)
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def delete(context: typer.Context, name: Name) -> None:
    """Close a room, with all that was said in it. Asks first."""
    output = Output.of(context)
    output.confirm(f"Close the room {name}, with all that was said in it?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.live.close_room(actor, name=name)

    on_application(work)
    output.say(f"Closed the room {name}.")


@app.command()
def messages(context: typer.Context, name: Name, limit: Limit = None) -> None:
    """Print what was said in a room, as far as it is kept, in its order; with a limit the latest."""
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> "list[Numbered[RoomMessageView]]":
        only = {} if limit is None else {"limit": limit}
        return await application.live.list_messages(actor, room=name, **only)

    with output.listing(SAID) as add:
        add([_record(said, whole=output.json) for said in on_application(work)])


def _record(said: "Numbered[RoomMessageView]", *, whole: bool) -> dict[str, Any]:
    """With its number; for people with the author in a word."""
    record = {"number": said.number, **asdict(said.value)}
    return record if whole else record | {"author": said.value.author.username or said.value.author.id}

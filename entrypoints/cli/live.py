"""`moothall live`: what happens, as it happens."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output, cell
from entrypoints.cli.running import on_application

if TYPE_CHECKING:
    from application.app import Application
    from entrypoints.queue_outlet import QueueOutlet

app = noun("What happens, as it happens.")


@app.callback()
def _live() -> None:
    """What happens, as it happens."""


@app.command()
def tail(
    context: typer.Context,
    rooms: Annotated[
        list[str] | None,
        typer.Option("--room", metavar="ROOM", help="Only what is said there; may be given several times."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="What this member is told: notifications, jobs.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Stop after so many.")] = None,
) -> None:
    """Print what is said in rooms, and what a member is told, until Ctrl-C. Without options: what is said in all rooms
    that there are now. Nobody sees who listens.

    Under --json each line is a message as WebSockets get it (docs/live.md).
    """
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=owner) if owner is not None else None
        chosen = rooms or ([] if owner is not None else await _all_rooms(application, actor))
        await _follow(application, replace(actor, user_id=user_id), chosen, output, limit)

    on_application(work)


async def _all_rooms(application: "Application", actor: Actor) -> list[str]:
    from entrypoints.cli.running import pages

    found = pages(lambda page: application.live.list_rooms(actor, page=page))
    return [room.name async for page in found for room in page]


async def _follow(
    application: "Application", actor: Actor, rooms: list[str], output: Output, limit: int | None
) -> None:
    """Raises NotFound (`room-not-found`)."""
    import asyncio

    from application.live.connection import Connection
    from entrypoints.background import connecting
    from entrypoints.queue_outlet import QueueOutlet

    outlet = QueueOutlet(lambda: None)  # what a terminal does not take waits in it
    connection = Connection(
        application.live.switchboard, actor, tell=outlet.tell, end=outlet.end, drained=outlet.drained
    )
    async with connecting(application):
        printing = asyncio.create_task(_print(outlet, output, limit))
        try:
            for room in rooms:
                await connection.join(room, {})
            if actor.user_id is not None or not rooms:
                await connection.open({})
            output.say("Listening.")
            await printing
        finally:
            printing.cancel()
            connection.close()


async def _print(outlet: "QueueOutlet", output: Output, limit: int | None) -> None:
    left = limit
    while left != 0 and (outgoing := await outlet.next()) is not None:
        if _is_told(outgoing.message):
            output.line(outgoing.message if output.json else _readable(outgoing.message))
            left = left - 1 if left is not None else None


def _is_told(message: Mapping[str, Any]) -> bool:
    """That the connection stands is no news."""
    return message["type"] not in ("ready", "joined", "left", "here") or "code" in message


def _readable(message: Mapping[str, Any]) -> str:
    """One line for people."""
    match message["type"]:
        case "message":
            who = message["from"]
            said_by = who["username"] or who["full_name"] or who["id"]
            return f"{message['at']}\t{message['room']}\t{said_by}\t{cell(message['text'])}"
        case "notification":
            return f"{message['created_at']}\tnotification\t{message['kind']}\t{cell(message['title'])}"
        case "job":
            progress = message["progress"]
            return f"{message['created_at']}\tjob\t{message['kind']}\t{message['status']} {progress['done']}"
        case "unread":
            return f"\tunread\t\t{message['unread']}"
        case _:
            return f"\t{message['type']}\t{message.get('room', '')}\t{cell(message.get('detail', ''))}"

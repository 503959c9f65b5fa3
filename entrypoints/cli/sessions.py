"""`moothall sessions`: where members are signed in."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages
from entrypoints.cli.users import User

if TYPE_CHECKING:
    from application.app import Application

COLUMNS = ("id", "created_at", "last_used_at", "expires_at", "address", "user_agent")

app = noun("Where members are signed in.")


@app.command("list")
def list_(context: typer.Context, user: User, limit: Limit = None) -> None:
    """List a member's sessions, the one used last first."""

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=user)
        with Output.of(context).listing(COLUMNS) as add:
            list_sessions = application.identity.list_sessions
            async for page in pages(lambda page: list_sessions(actor, user_id=user_id, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def end(
    context: typer.Context,
    session_id: Annotated[UUID | None, typer.Argument(metavar="SESSION_ID")] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="All sessions of this member instead.")] = None,
) -> None:
    """End a session, or all of a member's. Asks first."""
    if session_id is not None and user is None:
        _end_one(Output.of(context), session_id)
    elif user is not None and session_id is None:
        _end_all_of(Output.of(context), user)
    else:
        raise wrong_usage("Name a session, or a member with --user USER.")


def _end_one(output: Output, session_id: UUID) -> None:
    output.confirm(f"End the session {session_id}?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.identity.end_session(actor, session_id=session_id)

    on_application(work)
    output.say(f"Ended the session {session_id}.")


def _end_all_of(output: Output, user: str) -> None:
    output.confirm(f"End all sessions of {user}?")

    async def work(application: "Application", actor: Actor) -> int:
        user_id = await application.identity.find_user(actor, name=user)
        return await application.identity.end_sessions_of(actor, user_id=user_id)

    output.say(f"Ended {on_application(work)} sessions of {user}.")

"""`moothall users`: members' accounts."""

import sys
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.files import whole_file
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output, view_as_json
from entrypoints.cli.passwords import FromFile, FromStdin, read_password
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.identity.views import UserView

COLUMNS = ("id", "email", "username", "full_name", "roles", "is_active", "is_verified")

app = noun("Members' accounts. A USER is an id, an e-mail address or a username.")

User = Annotated[str, typer.Argument(metavar="USER", help="An id, an e-mail address or a username.")]
Email = Annotated[str, typer.Option(metavar="EMAIL", help="The e-mail address.")]
Username = Annotated[str | None, typer.Option(metavar="NAME", help="3 to 50 of a-z, A-Z, 0-9 and _.")]
FirstName = Annotated[str | None, typer.Option(metavar="NAME")]
LastName = Annotated[str | None, typer.Option(metavar="NAME")]
OfRole = Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Only who has this role.")]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Only these.")]
Verified = Annotated[bool | None, typer.Option("--verified/--unverified", help="Only these.")]
Words = Annotated[
    str | None, typer.Option("--q", metavar="WORDS", help="Beginnings of words in e-mail, username or name.")
]


@app.command("list")
def list_(
    context: typer.Context,
    role: OfRole = None,
    active: Active = None,
    verified: Verified = None,
    q: Words = None,
    sort: Annotated[
        str, typer.Option(metavar="FIELD", help="created_at, updated_at, email or username; a - turns it round.")
    ] = "-created_at",
    limit: Limit = None,
) -> None:
    """List accounts, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.identity.views import UserFilters

        filters = UserFilters(role=role, is_active=active, is_verified=verified, q=q)
        with Output.of(context).listing(COLUMNS) as add:
            list_users = application.identity.list_users
            async for page in pages(lambda page: list_users(actor, filters=filters, sort=sort, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def export(
    context: typer.Context,
    role: OfRole = None,
    active: Active = None,
    verified: Verified = None,
    q: Words = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Else standard output.", dir_okay=False)
    ] = None,
) -> None:
    """Write accounts as CSV, by id and as they are at one moment."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.identity.views import UserFilters
        from entrypoints.users_csv import as_csv

        filters = UserFilters(role=role, is_active=active, is_verified=verified, q=q)
        async with aclosing(as_csv(await application.identity.export_users(actor, filters=filters))) as parts:
            with nullcontext(sys.stdout.buffer) if output is None else whole_file(output) as file:
                async for part in parts:
                    file.write(part)
                    file.flush()

    on_application(work)
    if output is not None:
        Output.of(context).say(f"Written to {output}.")


@app.command()
def show(context: typer.Context, user: User) -> None:
    """Show one account."""

    async def work(application: "Application", actor: Actor) -> "UserView":
        user_id = await application.identity.find_user(actor, name=user)
        return (await application.identity.show_user(actor, user_id=user_id)).value

    Output.of(context).show(on_application(work))


@app.command("personal-data")
def personal_data(context: typer.Context, user: User) -> None:
    """Print everything that is kept about a member, as one JSON object."""

    async def work(application: "Application", actor: Actor) -> None:
        from entrypoints.personal_data import as_json

        user_id = await application.identity.find_user(actor, name=user)
        data = await application.export_personal_data(actor, user_id=user_id)
        await Output.of(context).stream(as_json(data, view_as_json))

    on_application(work)


@app.command()
def create(
    context: typer.Context,
    email: Email,
    username: Username = None,
    first_name: FirstName = None,
    last_name: LastName = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="May be given several times; else member.")
    ] = None,
    verified: Annotated[bool, typer.Option("--verified", help="The address is known to be theirs.")] = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Nobody can sign in to it yet.")] = False,
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
) -> None:
    """Make an account; asks for its password."""
    if no_password and (password_stdin or password_file is not None):
        raise wrong_usage("With --no-password there is no password to read.")
    password = None if no_password else read_password(from_stdin=password_stdin, from_file=password_file)

    async def work(application: "Application", actor: Actor) -> "UserView":
        created = await application.identity.create_user(
            actor,
            email=email,
            password=password,
            username=username,
            first_name=first_name,
            last_name=last_name,
            is_verified=verified,
            roles=role or None,
        )
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def create_admin(
    context: typer.Context,
    email: Email,
    username: Username = None,
    password_stdin: FromStdin = False,
    password_file: FromFile = None,
) -> None:
    """Make the first administrator; asks for the password."""
    password = read_password(from_stdin=password_stdin, from_file=password_file)

    async def work(application: "Application", actor: Actor) -> "UserView":
        created = await application.identity.create_first_admin(
            actor, email=email, password=password, username=username
        )
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def invite(
    context: typer.Context,
    email: Email,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="May be given several times; else member.")
    ] = None,
) -> None:
    """Mail somebody a link with which they become a member; good for 7 days."""

    async def work(application: "Application", actor: Actor) -> "UserView":
        return (await application.identity.invite_user(actor, email=email, roles=role or None)).value

    output = Output.of(context)
    output.show(on_application(work))
    output.say(f"A link will be mailed to {email}.")


@app.command()
def reset_password(context: typer.Context, user: User) -> None:
    """Mail a member a link to choose a new password; good for an hour."""

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=user)
        await application.identity.send_password_reset(actor, user_id=user_id)

    on_application(work)
    Output.of(context).say(f"A link will be mailed to {user}.")


@app.command()
def update(
    context: typer.Context,
    user: User,
    email: Annotated[str | None, typer.Option(metavar="EMAIL", help="Signs them out everywhere.")] = None,
    username: Annotated[str | None, typer.Option(metavar="NAME", help='"" takes it away.')] = None,
    first_name: Annotated[str | None, typer.Option(metavar="NAME", help='"" takes it away.')] = None,
    last_name: Annotated[str | None, typer.Option(metavar="NAME", help='"" takes it away.')] = None,
    verified: Annotated[
        bool | None, typer.Option("--verified/--unverified", help="Whether the address is known to be theirs.")
    ] = None,
) -> None:
    """Change the fields that are given, and no others."""
    names = {"username": username, "first_name": first_name, "last_name": last_name}
    changes: dict[str, Any] = {field: text or None for field, text in names.items() if text is not None}
    if email is not None:
        changes["email"] = email
    if verified is not None:
        changes["is_verified"] = verified
    if not changes:
        raise wrong_usage("Say what to change; see --help.")
    _change(context, user, changes)


@app.command()
def deactivate(context: typer.Context, user: User) -> None:
    """Lock an account and sign it out everywhere."""
    _change(context, user, {"is_active": False})


@app.command()
def reactivate(context: typer.Context, user: User) -> None:
    """Let a deactivated account sign in again."""
    _change(context, user, {"is_active": True})


def _change(context: typer.Context, user: str, changes: dict[str, Any]) -> None:
    async def work(application: "Application", actor: Actor) -> "UserView":
        user_id = await application.identity.find_user(actor, name=user)
        return (await application.identity.update_user(actor, user_id=user_id, **changes)).value

    Output.of(context).show(on_application(work))


@app.command()
def set_roles(context: typer.Context, user: User, roles: Annotated[list[str], typer.Argument(metavar="ROLE")]) -> None:
    """Give an account exactly these roles."""

    async def work(application: "Application", actor: Actor) -> "UserView":
        user_id = await application.identity.find_user(actor, name=user)
        return (await application.identity.set_roles(actor, user_id=user_id, roles=roles)).value

    Output.of(context).show(on_application(work))


@app.command()
def delete(context: typer.Context, user: User) -> None:
    """Delete an account and all it has. Asks first."""
    output = Output.of(context)
    output.confirm(f"Delete {user} and everything that belongs to it?")

    async def work(application: "Application", actor: Actor) -> None:
        user_id = await application.identity.find_user(actor, name=user)
        await application.identity.delete_user(actor, user_id=user_id)

    on_application(work)
    output.say(f"Deleted {user}.")

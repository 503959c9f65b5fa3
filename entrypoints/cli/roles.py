"""`moothall roles`: named sets of permissions."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from domain.access.permissions import covers
from domain.errors import Conflict, Stale
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.access.views import RoleView
    from application.app import Application

COLUMNS = ("name", "permissions", "is_built_in", "description")

app = noun("Named sets of permissions. What is changed counts at once, for everybody who has the role.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = None) -> None:
    """List roles, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: application.access.list_roles(actor, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show one role."""

    async def work(application: "Application", actor: Actor) -> "RoleView":
        return (await application.access.show_role(actor, name=name)).value

    Output.of(context).show(on_application(work))


@app.command()
def create(
    context: typer.Context,
    name: Name,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    permission: Annotated[
        list[str] | None,
        typer.Option(metavar="P", help="May be given several times: RESOURCE:ACTION, RESOURCE:* or *; else none."),
    ] = None,
) -> None:
    """Make a role."""

    async def work(application: "Application", actor: Actor) -> "RoleView":
        created = await application.access.create_role(
            actor, name=name, permissions=permission or (), description=description
        )
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def update(
    context: typer.Context,
    name: Name,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help='"" takes it away.')] = None,
    permission: Annotated[
        list[str] | None, typer.Option(metavar="P", help="Exactly these; may be given several times.")
    ] = None,
    no_permissions: Annotated[bool, typer.Option("--no-permissions", help="None at all.")] = False,
    add: Annotated[
        list[str] | None, typer.Option(metavar="P", help="This one too; may be given several times.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="P", help="No longer this one; may be given several times.")
    ] = None,
) -> None:
    """Change what is given, and nothing else."""
    changes: dict[str, Any] = {} if description is None else {"description": description or None}
    if bool(permission) + no_permissions + bool(add or remove) > 1:
        raise wrong_usage("Say the permissions with --permission, with --no-permissions, or with --add and --remove.")
    if both := sorted({*(add or ())} & {*(remove or ())}):
        raise wrong_usage(f"This is to be added and to be removed: {', '.join(both)}.")
    if not (changes or permission or no_permissions or add or remove):
        raise wrong_usage("Say what to change; see --help.")

    async def work(application: "Application", actor: Actor) -> "RoleView":
        if add or remove:
            return await _vary(application, actor, name, add or (), remove or (), changes)
        exactly = permission or (() if no_permissions else None)
        return (await application.access.update_role(actor, name=name, permissions=exactly, **changes)).value

    Output.of(context).show(on_application(work))


@app.command()
def delete(context: typer.Context, name: Name) -> None:
    """Delete a role, and take it from everybody. Asks first."""
    output = Output.of(context)
    output.confirm(f"Delete the role {name}, and take it from everybody who has it?")

    async def work(application: "Application", actor: Actor) -> int:
        return await application.access.delete_role(actor, name=name)

    output.say(f"Deleted the role {name}. Members who lost it: {on_application(work)}.")


async def _vary(
    application: "Application",
    actor: Actor,
    name: str,
    add: Iterable[str],
    remove: Sequence[str],
    changes: dict[str, Any],
) -> "RoleView":
    """Add and remove as of the state that is saved: where somebody else saved another one meanwhile, begin again."""
    while True:
        found = await application.access.show_role(actor, name=name)
        wanted = _without(frozenset(found.value.permissions), remove).union(add)
        _require_gone(wanted, remove)
        try:
            updated = await application.access.update_role(
                actor, name=name, expected=frozenset({found.version}), permissions=sorted(wanted), **changes
            )
        except Stale:
            continue
        return updated.value


def _without(held: frozenset[str], remove: Iterable[str]) -> frozenset[str]:
    """Raises Conflict (`permission-not-held`): a removal that changes nothing would look like one that did."""
    if missing := sorted({*remove} - held):
        raise Conflict("permission-not-held", f"The role does not hold {', '.join(missing)}; it holds {_named(held)}.")
    return held.difference(remove)


def _require_gone(wanted: frozenset[str], remove: Iterable[str]) -> None:
    """Raises Conflict (`permission-still-allowed`): a wider pattern stays."""
    if left := sorted(pattern for pattern in remove if covers(wanted, pattern)):
        raise Conflict(
            "permission-still-allowed", f"The role would still allow {', '.join(left)}, by {_named(wanted)}."
        )


def _named(permissions: frozenset[str]) -> str:
    return ", ".join(sorted(permissions)) or "none"

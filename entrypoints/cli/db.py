"""`moothall db`: the database's schema, and its backups."""

from typing import TYPE_CHECKING, Annotated

import typer

from entrypoints.cli.backups import backup, restore
from entrypoints.cli.errors import ExitCode
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import read_settings, run

if TYPE_CHECKING:
    from entrypoints.settings import Settings

app = noun("The database's schema, and its backups.")
app.command()(backup)
app.command()(restore)


@app.command()
def upgrade(context: typer.Context, revision: Annotated[str, typer.Argument(metavar="REVISION")] = "head") -> None:
    """Bring the schema to the newest revision."""
    Output.of(context).say(f"The database is at revision {run(_upgraded(read_settings(), revision))}.")


@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="An older one, -1 (one step) or base.")],
) -> None:
    """Take the schema back, and lose data. Asks first."""
    output = Output.of(context)
    output.confirm(f"Take the database back to revision {revision}, and lose what that one cannot hold?")
    reached = run(_downgraded(read_settings(), revision))
    output.say(f"The database is at revision {reached or 'base'}.")


@app.command()
def current(context: typer.Context) -> None:
    """Print the revision; nothing for an empty database."""
    output = Output.of(context)
    revision, _ = run(_state(read_settings()))
    if output.json:
        output.show({"revision": revision})
    elif revision is not None:
        typer.echo(revision)


@app.command()
def check(context: typer.Context) -> None:
    """Exit with 0 if the schema is up to date, else 1."""
    output = Output.of(context)
    revision, is_behind = run(_state(read_settings()))
    if output.json:
        output.show({"revision": revision, "is_behind": is_behind})
    if is_behind:
        output.say("The database is older than this version; run: moothall db upgrade")
        raise typer.Exit(ExitCode.FAILED)
    output.say("The database is up to date.")


async def _upgraded(settings: "Settings", revision: str) -> str | None:
    from entrypoints.bootstrap import open_schema

    async with open_schema(settings) as schema:
        await schema.upgrade(revision)
        return await schema.current()


async def _downgraded(settings: "Settings", revision: str) -> str | None:
    from entrypoints.bootstrap import open_schema

    async with open_schema(settings) as schema:
        await schema.downgrade(revision)
        return await schema.current()


async def _state(settings: "Settings") -> tuple[str | None, bool]:
    """The revision, and whether a newer one is needed."""
    from entrypoints.bootstrap import open_schema

    async with open_schema(settings) as schema:
        return await schema.current(), await schema.is_behind()

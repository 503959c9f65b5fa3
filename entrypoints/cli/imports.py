"""`moothall imports`: members brought in from files."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.imports.members_import import OnDuplicate, Source
from domain.jobs.job import UNFINISHED, Status
from entrypoints.cli.errors import ExitCode, wrong_usage
from entrypoints.cli.nouns import noun
from entrypoints.cli.output import Output
from entrypoints.cli.progress import parts
from entrypoints.cli.running import on_application, this_program
from entrypoints.cli.watching import watched

if TYPE_CHECKING:
    from application.app import Application
    from application.imports.views import ImportView

PIECE = 1_048_576
"""Bytes of a file that are read at once."""

app = noun("Members brought in from files.")

ImportId = Annotated[UUID, typer.Argument(metavar="IMPORT_ID", help="Its own id, or that of its job.")]


@app.command()
def run(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; - reads standard input.", allow_dash=True)],
    source: Annotated[
        Source, typer.Option("--from", help="Where it comes from, which says what its columns are called.")
    ] = Source.MOOTHALL,
    on_duplicate: Annotated[
        OnDuplicate, typer.Option(help="What becomes of a row whose e-mail address has an account already.")
    ] = OnDuplicate.REJECT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would happen.")] = False,
    invite: Annotated[
        bool, typer.Option("--invite", help="Mail a link to whoever gets an account without a password.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Help with it, and show how far it is, until it is finished.")
    ] = False,
) -> None:
    """Import members from a CSV file.

    It is a job, which a server or a worker does. With --watch this command does it too: no other has to run. Then it
    exits with 0 if the job succeeded, else with 1; Ctrl-C ends the watching, and not the job.
    """
    if str(file) != "-" and not file.is_file():
        raise wrong_usage(f"There is no file {file}.")
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> "ImportView":
        found = await application.imports.start_import(
            actor,
            content=_pieces(file),
            source=source,
            on_duplicate=on_duplicate,
            dry_run=dry_run,
            invite=invite,
        )
        if not watch:
            return found
        gc.freeze()  # what is there now stays: nobody has to look through it for cycles again and again
        stop = asyncio.Event()
        helping = asyncio.create_task(application.runner.for_kind("import-members").run(stop))
        try:
            await watched(application, actor, found.job_id, quiet=output.quiet)
        finally:
            stop.set()
            await helping
        return await application.imports.show_import(actor, import_id=found.id)

    found = on_application(work, is_long=watch)
    _show(output, found)
    if found.status in UNFINISHED:
        output.say(f"A server or a worker does it. How far it is: {this_program()} imports show {found.id}")
    elif found.rejected:
        output.say(f"Which rows were refused, and why: {this_program()} imports rejects {found.id}")
        output.say("Correct these in your own file, and import all of it again with --on-duplicate skip.")
    if watch and found.status is not Status.SUCCEEDED:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def show(context: typer.Context, import_id: ImportId) -> None:
    """Show how far an import is, and what became of its rows."""

    async def work(application: "Application", actor: Actor) -> "ImportView":
        return await application.imports.show_import(actor, import_id=import_id)

    _show(Output.of(context), on_application(work))


@app.command()
def rejects(context: typer.Context, import_id: ImportId) -> None:
    """Print the rows that were refused, as CSV: line, column, reason, row."""
    output = Output.of(context)

    async def work(application: "Application", actor: Actor) -> None:
        from entrypoints.rejected_rows import as_csv

        rows = await application.imports.list_rejected_rows(actor, import_id=import_id)
        if not output.json:
            async with aclosing(as_csv(rows)) as parts_of_file:
                async for part in parts_of_file:
                    sys.stdout.buffer.write(part)
            return
        with output.listing(("line", "column", "reason", "row")) as add:
            async for page in rows:
                add([asdict(row) for row in page])

    on_application(work)


@app.command("convert-keycloak")
def convert_keycloak(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="What `kc.sh export` wrote, with users."),
    ],
) -> None:
    """Print the users of a Keycloak realm as a CSV file that can be imported."""
    import csv
    import json

    from application.imports.columns import OURS
    from application.imports.keycloak import rows
    from domain.spreadsheets import neutralised

    table, is_begun = csv.DictWriter(sys.stdout, OURS), False
    for file in files:
        try:
            export = json.loads(file.read_bytes())
        except ValueError:
            raise wrong_usage(f"{file} is no JSON.") from None
        if not isinstance(export, dict):
            raise wrong_usage(f"{file} is nothing that Keycloak exported.")
        for row in rows(export):
            if not is_begun:
                table.writeheader()
                is_begun = True
            table.writerow({name: neutralised(cell) for name, cell in row.items()})


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    if str(file) == "-":
        while piece := await asyncio.to_thread(sys.stdin.buffer.read, PIECE):
            yield piece
        return
    with file.open("rb") as opened:
        while piece := await asyncio.to_thread(opened.read, PIECE):
            yield piece


def _show(output: Output, found: "ImportView") -> None:
    output.show(found if output.json else {**asdict(found), "progress": parts(found.progress)})

"""What nouns and their lists have in common."""

from typing import Annotated

import typer

from entrypoints.cli.errors import ExitCode

Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Not more than these; else all.")]


def noun(explanation: str) -> typer.Typer:
    """A group of verbs; alone it shows them."""
    return typer.Typer(help=explanation, invoke_without_command=True, callback=_show_verbs)


def _show_verbs(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(ExitCode.USAGE)

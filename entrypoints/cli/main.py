"""The `moothall` command: the global options, and the table of nouns."""

import atexit
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

from entrypoints.cli.errors import EXPLAINED, ExitCode, tell
from entrypoints.cli.output import Output

GLOBAL_OPTIONS = ("--json", "--quiet", "--yes")

INTERRUPTED = 130
"""By Ctrl-C: what shells say of a program that SIGINT ended."""

COMMANDS: Mapping[str, str] = {
    "serve": "Serve the HTTP API.",
    "worker": "Do jobs, send mails, sweep, seal the audit trail.",
    "doctor": "Check that all is there which the server needs.",
    "openapi": "Print the OpenAPI description of the HTTP API.",
}
"""Nouns that need no verb: a function of that name in the module of that name."""

NOUNS: Mapping[str, str] = {
    "db": "The database's schema, and its backups.",
    "users": "Members' accounts.",
    "imports": "Members brought in from files.",
    "profiles": "What members show of themselves.",
    "roles": "Named sets of permissions.",
    "permissions": "What there is to be allowed.",
    "sessions": "Where members are signed in.",
    "api-keys": "What members' programs sign in with.",
    "products": "What is for sale.",
    "orders": "What members buy.",
    "posts": "What members write.",
    "audit": "Who did what, and whether anybody changed that since.",
    "jobs": "What is done in the background.",
    "outbox": "What should have followed from events, and was set aside.",
    "keys": "The keys that sign access tokens.",
    "mail": "Mails: what they look like, and whether they arrive.",
    "config": "The settings.",
    "notifications": "What members are told.",
    "rooms": "Where members talk.",
    "webhooks": "Other services that are told what happens here.",
    "live": "What happens, as it happens.",
}
"""Nouns with verbs: the `app` of the module of that name, with _ for -."""


WHILE_IMPORTING = 50_000
"""New objects between two looks for cycles. What is imported stays: with Python's own 700 a third of the start goes
into looking through it, again and again. A server goes back to them once it has started."""


def main() -> None:
    """The console script."""
    try:
        run()
    except SystemExit as end:
        if "obstore" in sys.modules:
            _leave_at_once(end.code)
        raise


def _leave_at_once(code: object) -> None:
    """Without taking the interpreter apart: a thread of the library that stores files may want to come back to Python
    just then, and ends the process with SIGABRT, though all is done."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else ExitCode.FAILED)


def run(arguments: Sequence[str] | None = None) -> None:
    """The command line, which ends with SystemExit."""
    gc.set_threshold(WHILE_IMPORTING)
    options, words = _global_options_first(sys.argv[1:] if arguments is None else arguments)
    noun = next((word for word in words if not word.startswith("-")), None)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(_command_line(noun)([*options, *words], prog_name="moothall", standalone_mode=False))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        sys.exit(tell(error, as_json="--json" in options))


def _global_options_first(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options, which are taken wherever they stand up to a `--`, and everything else."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [word for word in arguments[:end] if word in GLOBAL_OPTIONS]
    others = [word for word in arguments[:end] if word not in GLOBAL_OPTIONS]
    return options, [*others, *arguments[end:]]


def _command_line(asked_for: str | None) -> typer.Typer:
    """All nouns by name, but only the one that is asked for with what it does: so help costs little."""
    app = typer.Typer(
        invoke_without_command=True,
        callback=_moothall,
        epilog=f"These options are taken before the noun and after the verb.\n\n{EXPLAINED}",
        add_completion=False,
        rich_markup_mode=None,  # rich draws tables; importing it for help would double the time that help takes
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, explanation in {**COMMANDS, **NOUNS}.items():
        if name != asked_for:
            app.command(name, help=explanation)(_not_asked_for)
        elif name in NOUNS:
            app.add_typer(module_of(name).app, name=name)
        else:
            app.command(name)(getattr(module_of(name), name))
    return app


def module_of(noun: str) -> ModuleType:
    return import_module(f"entrypoints.cli.{noun.replace('-', '_')}")


def _not_asked_for() -> None:
    """Stands for a noun in the help."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"moothall {version('moothall')}")
        raise typer.Exit


def _moothall(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print data as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no messages, only data and errors.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer every question with yes.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A membership backend: its accounts, roles, sessions and keys, its mails and jobs, its audit trail, its server and
    its database.

    Data goes to standard output, everything else to standard error. Settings come from the environment
    (MOOTHALL_...), .env or secret files.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(ExitCode.USAGE)
    context.obj = Output(json=as_json, quiet=quiet, yes=yes)

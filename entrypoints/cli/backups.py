"""`moothall db backup` and `moothall db restore`."""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from application.backups import BackupView
from domain.access.actor import Actor
from entrypoints.cli.errors import ExitCode, wrong_usage
from entrypoints.cli.output import Output
from entrypoints.cli.passwords import PassphraseFromFile, PassphraseFromStdin, read_secret
from entrypoints.cli.running import on_application, operator, read_settings, run

if TYPE_CHECKING:
    from application.app import Application
    from application.audit.views import Verification
    from entrypoints.settings import Settings

STREAM = Path("-")
"""Instead of a file: standard output, or standard input."""
A_DATABASE = b"SQLite format 3\0"
"""How a file of SQLite begins."""
SILENCE = 2.0
"""Seconds between two lines that say how far it is."""
WithoutFiles = Annotated[bool, typer.Option("--without-files", help="Leave out uploaded files, such as pictures.")]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; - for standard output.")],
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a passphrase, and encrypt with it.")] = False,
    passphrase_stdin: PassphraseFromStdin = False,
    passphrase_file: PassphraseFromFile = None,
    without_files: WithoutFiles = False,
) -> None:
    """Save everything into one file, while the server goes on.

    What is in it restores on SQLite and on PostgreSQL. The secret key is not in it: keep that somewhere else.
    """
    output = Output.of(context)
    settings = read_settings()
    _may_be_written(file, output)
    passphrase = None
    if encrypt or passphrase_stdin or passphrase_file is not None:
        passphrase = read_secret("passphrase", from_stdin=passphrase_stdin, from_file=passphrase_file, twice=True)
    saved = run(_saved(settings, file, passphrase, Progress(output), with_files=not without_files))
    if file != STREAM:
        size = file.stat().st_size
        if output.json:
            output.show({**asdict(saved), "bytes": size, "encrypted": passphrase is not None})
        output.say(f"Saved {_amount(saved)} of {settings.database_place} in {file} ({size:,} bytes).")
    if settings.secrets_that_exist():
        output.say(f"The secret key is not in it: keep {_where_the_secret_is(settings)} too, somewhere else.")


def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A backup (- for standard input), or a database file of SQLite.")
    ],
    passphrase_stdin: PassphraseFromStdin = False,
    passphrase_file: PassphraseFromFile = None,
    without_files: WithoutFiles = False,
    with_another_secret: Annotated[
        bool,
        typer.Option(
            "--with-another-secret", help="Go on though the secret is lost: passwords, sessions and links end."
        ),
    ] = False,
) -> None:
    """Bring everything back, into the configured database, which has to be empty.

    To move an embedded start to PostgreSQL: set MOOTHALL_DATABASE_URL, and restore moothall-data/moothall.db itself.
    """
    output = Output.of(context)
    settings = read_settings()

    def ask() -> str:
        return read_secret("passphrase", from_stdin=passphrase_stdin, from_file=passphrase_file, twice=False)

    if file != STREAM and not file.is_file():
        raise wrong_usage(f"There is no file {file}.")
    if passphrase_stdin and file == STREAM:
        raise wrong_usage("The backup comes from standard input: take the passphrase from --passphrase-file.")
    restoring = _restored(
        settings, file, ask, Progress(output), with_another_secret=with_another_secret, with_files=not without_files
    )
    restored = run(restoring)
    output.say(
        f"Restored {_amount(restored)} into {settings.database_place}, as they were saved at {restored.saved_at}"
        f" on {restored.engine} by Moothall {restored.moothall}."
    )
    if with_another_secret:
        output.say("What was made under a secret that is lost is of no use: members ask for a new password, say.")
    trail = on_application(_verified, settings)
    if output.json:
        output.show({**asdict(restored), "audit": asdict(trail)})
    if trail.broken:
        output.say("The audit trail is not what was sealed: moothall audit verify")
        raise typer.Exit(ExitCode.FAILED)
    if trail.unproven:
        output.say(f"{trail.unproven} entries of the audit trail are signed with a secret that is not known here.")
    else:
        output.say(f"The audit trail is what was sealed: {trail.sealed} entries, and {trail.unsealed} not sealed yet.")


async def _saved(
    settings: "Settings", file: Path, passphrase: str | None, progress: "Progress", *, with_files: bool
) -> BackupView:
    from entrypoints.bootstrap import open_backups

    async with open_backups(settings) as backups:
        target = sys.stdout.buffer if file == STREAM else file
        return await backups.save(target, passphrase=passphrase, with_files=with_files, tell=progress)


async def _restored(
    settings: "Settings",
    file: Path,
    ask: Callable[[], str],
    progress: "Progress",
    *,
    with_another_secret: bool,
    with_files: bool,
) -> BackupView:
    from entrypoints.bootstrap import open_backups

    async with open_backups(settings) as backups:
        return await backups.restore(
            sys.stdin.buffer if file == STREAM else file,
            actor=operator(),
            ask_passphrase=ask,
            with_another_secret=with_another_secret,
            with_files=with_files,
            tell=progress,
        )


async def _verified(application: "Application", actor: Actor) -> "Verification":
    return await application.audit.verify(actor)


def _may_be_written(file: Path, output: Output) -> None:
    """Asks, where a file would be replaced.

    Raises:
        CommandError: it is no file, or one of a database.
    """
    if file == STREAM:
        if sys.stdout.isatty():
            raise wrong_usage("A backup is nothing for a terminal: name a file.")
    elif not file.parent.is_dir():
        raise wrong_usage(f"There is no folder {file.parent}.")
    elif file.exists():
        if not file.is_file():
            raise wrong_usage(f"{file} is no file.")
        with file.open("rb") as opened:
            if opened.read(len(A_DATABASE)) == A_DATABASE:
                raise wrong_usage(f"{file} is a database: a backup shall not take its place.")
        output.confirm(f"Replace {file}?")


def _amount(of: BackupView) -> str:
    return f"{sum(of.rows.values()):,} rows and {of.files:,} files"


def _where_the_secret_is(settings: "Settings") -> str:
    from entrypoints.settings import SECRET_FILE

    return "MOOTHALL_SECRET_KEY" if settings.secret_key is not None else str(settings.data_dir / SECRET_FILE)


class Progress:
    """Says now and then how far it is."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._said_at = time.monotonic()

    def __call__(self, what: str, count: int) -> None:
        if time.monotonic() - self._said_at > SILENCE:
            self._output.say(f"{what}: {count:,}")
            self._said_at = time.monotonic()

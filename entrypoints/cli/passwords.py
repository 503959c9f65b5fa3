"""Where passwords come from: a prompt, standard input or a file; never an argument, where others could read them."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.errors import wrong_usage

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
FromFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="Read the password from a file.")
]


def read_password(*, from_stdin: bool, from_file: Path | None) -> str:
    """The password, without the line break at its end.

    Raises:
        CommandError: it is asked for in two ways, cannot be asked for, cannot be read, or is empty.
    """
    if from_stdin and from_file is not None:
        raise wrong_usage("Take the password from --password-stdin or from --password-file, not from both.")
    if from_stdin:
        return _as_password(sys.stdin.buffer.read())
    if from_file is not None:
        return _as_password(_contents(from_file))
    if not sys.stdin.isatty():
        raise wrong_usage(
            "There is no terminal to ask for the password on: use --password-stdin or --password-file FILE."
        )
    return _asked_for()


def _asked_for() -> str:
    while (password := getpass.getpass("Password: ")) != getpass.getpass("The same again: "):
        print("These were different.", file=sys.stderr)
    return password


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise wrong_usage(f"The password file cannot be read: {error}") from None


def _as_password(data: bytes) -> str:
    try:
        password = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise wrong_usage("The password is not UTF-8 text.") from None
    if not password:
        raise wrong_usage("There is no password in the input.")
    return password

"""Where passwords and passphrases come from: a prompt, standard input or a file; never an argument, where others could
read them."""

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


PassphraseFromStdin = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the passphrase from standard input.")
]
PassphraseFromFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Read the passphrase from a file.")
]


def read_password(*, from_stdin: bool, from_file: Path | None) -> str:
    """The password, without the line break at its end. Raises as `read_secret` does."""
    return read_secret("password", from_stdin=from_stdin, from_file=from_file, twice=True)


def read_secret(called: str, *, from_stdin: bool, from_file: Path | None, twice: bool) -> str:
    """A password or a passphrase, as `called` says, without the line break at its end. One that is made is asked for
    `twice`.

    Raises:
        CommandError: it is asked for in two ways, cannot be asked for, cannot be read, or is empty.
    """
    if from_stdin and from_file is not None:
        raise wrong_usage(f"Take the {called} from --{called}-stdin or from --{called}-file, not from both.")
    if from_stdin:
        return _decoded(sys.stdin.buffer.read(), called)
    if from_file is not None:
        return _decoded(_contents(from_file, called), called)
    if not sys.stdin.isatty():
        raise wrong_usage(
            f"There is no terminal to ask for the {called} on: use --{called}-stdin or --{called}-file FILE."
        )
    return _asked_for(called, twice=twice)


def _asked_for(called: str, *, twice: bool) -> str:
    while True:
        secret = getpass.getpass(f"{called.capitalize()}: ")
        if not twice or secret == getpass.getpass("The same again: "):
            return secret
        print("These were different.", file=sys.stderr)


def _contents(path: Path, called: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise wrong_usage(f"The {called} file cannot be read: {error}") from None


def _decoded(data: bytes, called: str) -> str:
    try:
        secret = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise wrong_usage(f"The {called} is not UTF-8 text.") from None
    if not secret:
        raise wrong_usage(f"There is no {called} in the input.")
    return secret

"""The command under test: in this process where that is enough, else as the program that users start."""

import asyncio
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest

from application.app import Application
from application.ports import Clock
from domain.access.actor import operator
from entrypoints.bootstrap import open_application
from entrypoints.cli.main import run
from entrypoints.settings import load

T = TypeVar("T")

PASSWORD = "violet-anchor-42-lamp"
OPERATOR = operator("test")
PROGRAM = Path(sys.executable).with_name("moothall")
READY = "Uvicorn running on"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """What was printed on standard error under --json."""
        return json.loads(self.err)


class Moothall:
    """`moothall(...)` runs it in this process, without a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.home = home

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> Outcome:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(SystemExit) as end:
            run(arguments)
        printed = self._capsys.readouterr()
        return Outcome(int(end.value.code or 0), printed.out, printed.err)

    def good(self, *arguments: str, stdin: str | bytes = "") -> Outcome:
        """The outcome of a command that has to succeed."""
        outcome = self(*arguments, stdin=stdin)
        assert outcome.code == 0, outcome.err
        return outcome

    def setting(self, **values: str) -> None:
        for name, value in values.items():
            self._monkeypatch.setenv(f"MOOTHALL_{name}", value)

    def user(self, name: str, *options: str) -> dict[str, Any]:
        """An account without a password, made by command."""
        created = self.good("--json", "users", "create", "--email", f"{name}@example.com", "--no-password", *options)
        found: dict[str, Any] = created.json
        return found

    def admin(self) -> Outcome:
        return self(
            "--json", "users", "create-admin", "--email", "root@example.com", "--password-stdin", stdin=PASSWORD
        )

    def behind(self, work: Callable[[Application], Awaitable[T]], clock: Clock | None = None) -> T:
        """What something else than the command line does to the same database."""

        async def opened() -> T:
            async with open_application(load(), clock=clock) as application:
                return await work(application)

        return asyncio.run(opened())


class Program:
    """The program as a process; what it says on standard error is read as it comes."""

    def __init__(self, *arguments: str, terminal: int | None = None, keyboard: int | None = None) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._keyboard = keyboard
        self._said = ""

    def expect(self, text: str) -> str:
        """Wait until it has said this; all that it said before."""
        before = len(self._said)
        while text not in self._said[before:]:
            character = self._err.read(1)
            assert character, f"It ended, and said {self._said!r}."
            self._said += character
        return self._said

    def type(self, text: str) -> None:
        assert self._keyboard is not None
        os.write(self._keyboard, text.encode())

    def shown(self) -> str:
        """What the terminal showed of what was typed."""
        assert self._keyboard is not None
        os.set_blocking(self._keyboard, False)
        with suppress(OSError):
            return os.read(self._keyboard, 4096).decode()
        return ""

    def end(self, stop_with: signal.Signals | None = None) -> Outcome:
        """Wait for its end, or bring it about."""
        if stop_with is not None:
            self.process.send_signal(stop_with)
        with self.process:
            code = self.process.wait(timeout=20)
            return Outcome(code, self._out.read(), self._said + self._err.read())

    @property
    def _out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def _err(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr


@contextmanager
def started(*arguments: str) -> Iterator[Program]:
    """The program, in the folder and with the environment of the test; it does not outlive it."""
    program = Program(*arguments)
    try:
        yield program
    finally:
        _end(program)


@contextmanager
def at_terminal(*arguments: str) -> Iterator[Program]:
    """The program with a terminal to ask on."""
    keyboard, terminal = pty.openpty()
    program = Program(*arguments, terminal=terminal, keyboard=keyboard)
    os.close(terminal)
    try:
        yield program
    finally:
        _end(program)
        os.close(keyboard)


def on_terminal(*arguments: str) -> str:
    """What the program prints where standard output is a terminal, a wide one."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
        subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, env=environment, check=True)
        os.close(theirs)
        return screen.read(65536).decode()


def _end(program: Program) -> None:
    if program.process.poll() is None:
        os.killpg(program.process.pid, signal.SIGKILL)
        program.end()

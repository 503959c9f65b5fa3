"""Processes that may be killed at any moment. They are forked from one that has imported everything already."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

PRELOADED = ["entrypoints.bootstrap", "entrypoints.worker", "adapters.sql.migrate", "tests.services", "asyncpg"]
KILLED = -signal.SIGKILL

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


@dataclass(frozen=True)
class Outcome:
    """How many instants were tried, and what went wrong at which of them."""

    drill: str
    tried: int
    broken: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def held(self) -> int:
        return max(0, self.tried - len(self.broken))

    def __str__(self) -> str:
        return f"{self.drill:<58} {self.held:>6} / {self.tried:<6} {self.note}"


def started(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    process = _context.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def ended(process: BaseProcess, within: float) -> int:
    """Its exit code; one that takes longer is killed, and that is a failure.

    Raises:
        TimeoutError: it did not end in time.
    """
    process.join(within)
    if process.exitcode is None:
        kill(process)
        raise TimeoutError(f"A process did not end within {within} s.")
    return process.exitcode


def kill(process: BaseProcess) -> None:
    """SIGKILL, without a chance to do anything."""
    send(process, signal.SIGKILL)
    process.join(30)


def send(process: BaseProcess, number: int) -> None:
    assert process.pid is not None
    if process.is_alive():
        os.kill(process.pid, number)

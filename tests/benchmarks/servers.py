"""Starting a server, waiting until it answers, and stopping it by its process id, whatever happens in between."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
READY_LIMIT = 40.0  # seconds until a server must answer
SETTLE = 1.0  # seconds from the first answer on, so that a second worker has started too
STOP_LIMIT = 15.0  # seconds from SIGTERM to SIGKILL


class ServerError(RuntimeError):
    """A server or a command did not do what the benchmark needs; the message holds the end of its log."""


def free_port() -> int:
    """A TCP port on the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[object],
    *,
    port: int,
    ready_path: str,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run `command` (each of its words as text) while the block lasts, once `GET ready_path` answers 200.

    Its process id is what the block gets.

    Raises:
        ServerError: it ended early, or did not answer within READY_LIMIT seconds.
    """
    with _started(command, log, cwd, env) as process:
        _wait_until(lambda: _answers(port, ready_path), process, log)
        time.sleep(SETTLE)
        yield process.pid


@contextmanager
def saying(
    command: Sequence[object], *, text: str, log: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The same for what listens on no port, once it has said `text`."""
    before = log.stat().st_size if log.exists() else 0
    with _started(command, log, cwd, env) as process:
        _wait_until(lambda: text.encode() in log.read_bytes()[before:], process, log)
        time.sleep(SETTLE)
        yield


def run(
    command: Sequence[object], *, log: Path, cwd: Path, env: Mapping[str, str] | None = None, limit: float = 60.0
) -> None:
    """Run `command` (each of its words as text) to its end.

    Raises:
        ServerError: it failed, or took longer than `limit` seconds.
    """
    words = [str(word) for word in command]
    with log.open("ab") as output:
        try:
            subprocess.run(
                words,
                cwd=cwd,
                env=clean_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ServerError(f"{' '.join(words[:4])} …: {error}\n{_end_of(log)}") from error


def clean_environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The caller's environment without Moothall's settings, so that a shell's leftovers change no figure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOOTHALL_", "BENCH_"))}
    return kept | dict(extra or {})


@contextmanager
def _started(
    command: Sequence[object], log: Path, cwd: Path, env: Mapping[str, str] | None
) -> Iterator["subprocess.Popen[bytes]"]:
    """It gets a process group of its own: Ctrl-C reaches the benchmark alone, which then stops the whole group."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=clean_environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + READY_LIMIT
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise ServerError(f"it ended at once with status {process.returncode}\n{_end_of(log)}")
        if is_ready():
            return
        time.sleep(0.05)
    raise ServerError(f"it was not ready within {READY_LIMIT:.0f} s\n{_end_of(log)}")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT)
    finally:  # also when Ctrl-C ends the waiting
        with suppress(ProcessLookupError):  # raised when the group is empty, which is the usual case
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_LIMIT)


def _end_of(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

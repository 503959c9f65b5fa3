"""A real `moothall serve` in a process of its own, on a free port, with everything that it keeps in one folder."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.canaries import OF_THE_SUITE, found_in
from tests.limits import UNLIMITED_BY_ENVIRONMENT
from tests.project.places import MOOTHALL, environment

HOST = "127.0.0.1"
STARTS_WITHIN = 60.0
STOPS_WITHIN = 20.0


@dataclass(frozen=True)
class Server:
    """`env` makes another `moothall` work on the same data; `pid` is the process that was started."""

    port: int
    folder: Path
    env: Mapping[str, str]
    pid: int = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def moothall(self, *words: str, typed: str = "") -> str:
        """What a command that has to succeed prints; `typed` is its standard input."""
        ran = subprocess.run(
            [*MOOTHALL, *words],
            cwd=self.folder,
            env=self.env,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def serving(folder: Path, *options: str, env: Mapping[str, str] = {}, port: int | None = None) -> Iterator[Server]:
    """Run the server while the block lasts, once it is ready; `env` has more settings, which limit nothing by
    themselves."""
    port = port or free_port()
    places = {"MOOTHALL_DATA_DIR": str(folder / "data"), "MOOTHALL_PUBLIC_URL": f"http://{HOST}:{port}"}
    server = Server(port, folder, environment({**UNLIMITED_BY_ENVIRONMENT, **places, **env}))
    with _running(server, "serve", "--port", str(port), *options) as process:
        wait_until_ready(server, lambda: process.poll() is None)
        yield replace(server, pid=process.pid)


@contextmanager
def working_beside(server: Server) -> Iterator[None]:
    """Run `moothall worker` on the same data while the block lasts."""
    with _running(server, "worker"):
        yield


@contextmanager
def _running(server: Server, command: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    with (server.folder / f"{command}.log").open("wb") as output:
        process = subprocess.Popen(
            [*MOOTHALL, command, *options],
            cwd=server.folder,
            env=server.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    log = (server.folder / f"{command}.log").read_text(errors="replace")
    assert found_in(log, OF_THE_SUITE) == [], "a password is in the log"


def wait_until_ready(server: Server, is_running: Callable[[], bool] = lambda: True) -> None:
    limit = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < limit and is_running():
        try:
            with urllib.request.urlopen(f"{server.url}/ready", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log = (server.folder / "serve.log").read_text(errors="replace")
    raise AssertionError(f"moothall serve did not become ready; its log:\n{log}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

"""A real `moothall serve` in a process of its own, on a free port, with everything that it keeps in one folder."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.project.places import MOOTHALL, environment

HOST = "127.0.0.1"
STARTS_WITHIN = 60.0
STOPS_WITHIN = 20.0


@dataclass(frozen=True)
class Server:
    """`env` makes another `moothall` work on the same data."""

    port: int
    folder: Path
    env: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Run the server while the block lasts, once it is ready."""
    port = _free_port()
    env = environment({"MOOTHALL_DATA_DIR": str(folder / "data"), "MOOTHALL_PUBLIC_URL": f"http://{HOST}:{port}"})
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*MOOTHALL, "serve", "--port", str(port), *options],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(port, folder, env)
    try:
        _wait_until_ready(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < limit and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/ready", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"moothall serve did not become ready; its log:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

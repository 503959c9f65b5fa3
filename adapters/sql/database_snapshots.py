"""A database as it was at one moment, read in flat memory while others go on writing."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.engine import POSTGRESQL, SQLITE, create_patient_engine, is_sqlite
from adapters.sql.failures import translated, unavailable
from adapters.sql.schema import HEAD
from adapters.sql.shapes import READING, TAGS, Row, Shape, column_names, conversion, quoted
from adapters.sql.tables import metadata
from domain.errors import Conflict, NotFound

AT_ONCE = 200
"""Rows that are in memory at a time; some hold a whole answer of HTTP."""

VERSIONS = "alembic_version"
_EMBEDDED_SECRET_IDS = {
    ("users", "password_hash"): "CASE WHEN password_hash LIKE 'mh1$%' THEN substr(password_hash, 5, 8) END",
    ("audit_entries", "proof"): "substr(proof, 1, 8)",
}
"""Where the id of a secret is a part of something: a hash and its pepper, a signature. Everywhere else a column of its
own holds it, whose name ends with `secret_id`."""


class Connection(Protocol):
    """What reading needs of a driver, within a transaction."""

    @property
    def engine(self) -> str:
        """`postgresql` or `sqlite`."""
        ...

    async def all(self, statement: str) -> Sequence[Row]: ...

    async def columns(self, table: str) -> Sequence[Row]:
        """Names and types in their order; none for a table that is not there."""
        ...


class Stream(Connection, Protocol):
    """One that sees the same state of everything until it ends, and need not hold an answer as a whole."""

    def batches(self, statement: str) -> AsyncIterator[Sequence[Row]]: ...


class Snapshot:
    """`shapes` are those of the tables that are there, whatever others refer to first."""

    def __init__(self, connection: Stream, revision: str, shapes: Sequence[Shape]) -> None:
        self.engine = connection.engine
        self.revision = revision
        self.shapes = tuple(shapes)
        self._connection = connection

    async def rows(self, shape: Shape) -> AsyncIterator[list[list[Any]]]:
        """In batches; values as a backup has them."""
        convert = conversion(shape, READING[self.engine])
        statement = f"SELECT {column_names(shape)} FROM {quoted(shape.table)}"  # noqa: S608
        async for batch in self._connection.batches(statement):
            yield convert(batch)

    async def secrets(self) -> dict[str, dict[str, int]]:
        """The id of each secret under which something was made: how many rows of which tables."""
        found: dict[str, dict[str, int]] = {}
        for shape in self.shapes:
            for column in shape.columns:
                if column.endswith("secret_id"):
                    await self._count_secrets(shape.table, quoted(column), found)
                elif embedded := _EMBEDDED_SECRET_IDS.get((shape.table, column)):
                    await self._count_secrets(shape.table, embedded, found)
        return found

    async def _count_secrets(self, table: str, id_of: str, found: dict[str, dict[str, int]]) -> None:
        statement = f"SELECT {id_of}, count(*) FROM {quoted(table)} WHERE {id_of} IS NOT NULL GROUP BY 1"  # noqa: S608
        for secret_id, count in await self._connection.all(statement):
            tables = found.setdefault(secret_id, {})
            tables[table] = tables.get(table, 0) + count


@asynccontextmanager
async def snapshot_of(engine: AsyncEngine) -> AsyncIterator[Snapshot]:
    """Of the configured database, whatever its revision. No statement is timed out.

    Raises:
        NotFound: `no-database`; there is nothing in it.
        Conflict: `database-too-new`.
        Unavailable: the database does not answer.
    """
    if is_sqlite(engine.url):
        async with snapshot_of_file(Path(str(engine.url.database))) as snapshot:
            yield snapshot
        return
    patient = create_patient_engine(engine)
    try:
        with translated():
            opened = await patient.connect()
        async with aclosing(opened):
            driver: Any = (await opened.get_raw_connection()).driver_connection
            connection = PostgresConnection(driver)
            await connection.begin_to_read()
            yield await _snapshot(connection)
    finally:
        await patient.dispose()


@asynccontextmanager
async def snapshot_of_file(path: Path) -> AsyncIterator[Snapshot]:
    """Of a SQLite database, which is only read. Raises as `snapshot_of` does."""
    opened = _opened_to_read(path)
    try:
        yield await _snapshot(SqliteConnection(opened))
    finally:
        opened.close()


def _opened_to_read(path: Path) -> sqlite3.Connection:
    """Within a transaction, which begins to see what there is with the first statement that reads."""
    if not path.exists():
        raise NotFound("no-database", f"There is no database at {path}.")
    with translated():
        opened = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None)
        opened.execute("BEGIN")
    return opened


async def _snapshot(connection: Stream) -> Snapshot:
    revision = await revision_of(connection)
    if revision is None:
        raise NotFound("no-database", "There is nothing in this database that a version of Moothall has made.")
    if revision > HEAD:
        raise too_new(revision)
    return Snapshot(connection, revision, await shapes_of(connection))


async def revision_of(connection: Connection) -> str | None:
    """None where nothing was migrated yet."""
    if not await connection.columns(VERSIONS):
        return None
    rows = await connection.all(f"SELECT version_num FROM {VERSIONS}")  # noqa: S608
    return str(rows[0][0]) if rows else None


async def shapes_of(connection: Connection) -> list[Shape]:
    """Of our tables that are there."""
    found = [(table.name, await connection.columns(table.name)) for table in metadata.sorted_tables]
    return [Shape(name, {column: TAGS[kind] for column, kind in columns}) for name, columns in found if columns]


def too_new(revision: str) -> Conflict:
    return Conflict(
        "database-too-new", f"The database is at revision {revision}, which a newer version of Moothall has made."
    )


class PostgresConnection(Stream):
    def __init__(self, driver: Any) -> None:
        self.driver = driver

    @property
    def engine(self) -> str:
        return POSTGRESQL

    async def begin_to_read(self) -> None:
        with self.answering():
            await self.driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def all(self, statement: str) -> Sequence[Row]:
        with self.answering():
            rows: Sequence[Row] = await self.driver.fetch(statement)
            return rows

    async def batches(self, statement: str) -> AsyncIterator[Sequence[Row]]:
        with self.answering():
            cursor = await self.driver.cursor(statement)
        while True:
            with self.answering():
                rows = await cursor.fetch(AT_ONCE)
            if not rows:
                return
            yield rows

    async def columns(self, table: str) -> Sequence[Row]:
        return await self.all(
            "SELECT column_name, udt_name FROM information_schema.columns"  # noqa: S608
            f" WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        )

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Raises Unavailable where the connection was lost."""
        try:
            with translated():
                yield
        except Exception as error:
            if self.driver.is_closed():
                raise unavailable() from error
            raise


class SqliteConnection(Stream):
    """Read on the event loop: nothing else waits for it."""

    def __init__(self, opened: sqlite3.Connection) -> None:
        self._opened = opened

    @property
    def engine(self) -> str:
        return SQLITE

    async def all(self, statement: str) -> Sequence[Row]:
        with translated():
            return self._opened.execute(statement).fetchall()

    async def batches(self, statement: str) -> AsyncIterator[Sequence[Row]]:
        with translated():
            cursor = self._opened.execute(statement)
        while True:
            with translated():
                rows = cursor.fetchmany(AT_ONCE)
            if not rows:
                return
            yield rows

    async def columns(self, table: str) -> Sequence[Row]:
        return await self.all(f"SELECT name, type FROM pragma_table_info('{table}')")  # noqa: S608

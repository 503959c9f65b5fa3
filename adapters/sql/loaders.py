"""How rows come into an empty database, by the way that each engine has for many at once."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from adapters.sql.database_snapshots import Connection, PostgresConnection
from adapters.sql.engine import SQLITE
from adapters.sql.failures import translated
from adapters.sql.shapes import Row, Shape, column_names, quoted
from domain.errors import Conflict, Invalid, MoothallError


class Loader(Connection, Protocol):
    """Within one transaction, which belongs to whoever made the loader."""

    async def keep_others_out(self, tables: Sequence[str]) -> None:
        """Nobody else writes to these until the end."""
        ...

    async def indexes(self) -> Sequence[Row]:
        """Of each that is no constraint's: the name, the table, and the statement that makes it."""
        ...

    async def run(self, statement: str) -> None: ...

    async def add(self, shape: Shape, rows: Sequence[Sequence[Any]]) -> None:
        """With values as the driver wants them."""
        ...

    async def settle(self, shapes: Sequence[Shape]) -> None:
        """What is left to do when all rows are there.

        Raises:
            Invalid: `backup-contradictory`; a row refers to one that is not there.
        """
        ...


class PostgresLoader(PostgresConnection, Loader):
    """With COPY. Foreign keys are checked with each batch."""

    async def keep_others_out(self, tables: Sequence[str]) -> None:
        if tables:
            await self.run(f"LOCK TABLE {', '.join(map(quoted, tables))} IN ACCESS EXCLUSIVE MODE")

    async def indexes(self) -> Sequence[Row]:
        return await self.all(
            "SELECT indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = quote_ident(indexname)::regclass) ORDER BY 1"
        )

    async def run(self, statement: str) -> None:
        with self.answering():
            await self.driver.execute(statement)

    async def add(self, shape: Shape, rows: Sequence[Sequence[Any]]) -> None:
        with self.answering():
            await self.driver.copy_records_to_table(shape.table, records=rows, columns=list(shape.columns))

    async def settle(self, shapes: Sequence[Shape]) -> None:
        """Sequences go on behind the numbers that were loaded, and the planner learns how much there is."""
        for shape in shapes:
            for column in (name for name, tag in shape.columns.items() if tag == "int"):
                await self.all(
                    "SELECT setval(sequence, coalesce(last, 1), last IS NOT NULL)"  # noqa: S608
                    f" FROM (SELECT pg_get_serial_sequence('{shape.table}', '{column}') AS sequence,"
                    f" (SELECT max({quoted(column)}) FROM {quoted(shape.table)}) AS last) AS counted"
                    " WHERE sequence IS NOT NULL"
                )
            await self.run(f"ANALYZE {quoted(shape.table)}")


class SqliteLoader(Loader):
    """`driver` is of aiosqlite, and does not look at foreign keys: migrations change tables by copying them."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    @property
    def engine(self) -> str:
        return SQLITE

    async def all(self, statement: str) -> Sequence[Row]:
        with translated():
            rows: Sequence[Row] = await self._driver.execute_fetchall(statement)
            return rows

    async def columns(self, table: str) -> Sequence[Row]:
        return await self.all(f"SELECT name, type FROM pragma_table_info('{table}')")  # noqa: S608

    async def keep_others_out(self, tables: Sequence[str]) -> None:
        """There is one writer at a time."""

    async def indexes(self) -> Sequence[Row]:
        return await self.all(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1"
        )

    async def run(self, statement: str) -> None:
        await self.all(statement)

    async def add(self, shape: Shape, rows: Sequence[Sequence[Any]]) -> None:
        places = ", ".join("?" * len(shape.columns))
        statement = f"INSERT INTO {quoted(shape.table)} ({column_names(shape)}) VALUES ({places})"  # noqa: S608
        with translated():
            await self._driver.executemany(statement, rows)

    async def settle(self, shapes: Sequence[Shape]) -> None:
        broken = await self.all('SELECT "table", parent FROM pragma_foreign_key_check LIMIT 1')
        if broken:
            raise contradictory(f"Rows of {broken[0][0]} refer to rows of {broken[0][1]} that are not there.")


@contextmanager
def taking(what: str) -> Iterator[None]:
    """What the database refuses is told without the values that it names: they shall not reach a log."""
    try:
        yield
    except (Conflict, sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError, TypeError, ValueError) as error:
        raise contradictory(f"{what} cannot be stored ({_reason(error)}).") from None
    except Exception as error:
        if str(getattr(error, "sqlstate", None)).startswith(("22", "23")):  # of data, of constraints
            raise contradictory(f"{what} cannot be stored ({_reason(error)}).") from None
        raise


def contradictory(detail: str) -> Invalid:
    return Invalid("backup-contradictory", f"{detail} The database where this was saved holds rows that it should not.")


def _reason(error: Exception) -> str:
    if isinstance(error, MoothallError):
        return error.code
    return getattr(error, "constraint_name", None) or type(error).__name__

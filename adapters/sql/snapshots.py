"""Whole lists as they are at one moment, read while somebody asks for more of them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncResult

from adapters.sql.engine import is_sqlite
from adapters.sql.failures import translated, unavailable
from adapters.sql.uninterrupted import to_its_end

AT_ONCE = 200
"""Rows that are fetched together, and then keep the event loop busy for some milliseconds."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""PostgreSQL has cursors in transactions only. What one of them finds does not change, at any level; this says so."""
_BY_INDEX = "SET LOCAL enable_seqscan = off"
"""Behind an import PostgreSQL may still believe that there is hardly anybody, and read all roles for each member."""


async def snapshot(
    engine: AsyncEngine, statement: Select[Any], values: Mapping[str, Any]
) -> AsyncGenerator[Sequence[Any], None]:
    """What the statement finds, as it was when it began, in rows with columns as attributes: none is asked for anew.

    `engine` is one that keeps no connections (`create_snapshot_engine`): the transaction ends with its connection,
    whatever happened.

    Raises:
        Unavailable: the database is away, or whoever reads took too long to ask for more.
    """
    with translated():
        connection = await engine.connect()
    result: AsyncResult[Any] | None = None
    try:
        with translated():
            if not is_sqlite(engine.url):
                await connection.exec_driver_sql(_BEGIN)
                await connection.exec_driver_sql(_BY_INDEX)
            result = await connection.stream(statement, values)
        while rows := await _more(connection, result):
            yield rows
    finally:
        await to_its_end(_close(connection, result))


async def _more(connection: AsyncConnection, result: AsyncResult[Any]) -> Sequence[Any]:
    """Nothing at the end. That a cursor's connection was closed, SQLAlchemy does not tell from a mistake."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    with translated():
        try:
            return await result.fetchmany(AT_ONCE)
        except Exception as error:
            if not is_sqlite(connection.engine.url) and driver.is_closed():
                raise unavailable() from error
            raise


async def _close(connection: AsyncConnection, result: AsyncResult[Any] | None) -> None:
    """The result first: SQLite keeps a connection until the last unfinished SELECT on it is gone."""
    try:
        if result is not None:
            await result.close()
    finally:
        await connection.close()

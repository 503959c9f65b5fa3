"""Single statements outside of any unit of work, one round trip each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.engine import is_sqlite
from adapters.sql.failures import translated


class Reader:
    """`look_up` is for what an index finds in microseconds, `search` for what may take its time.

    The difference is SQLite's: handing a statement to a thread and its answer back costs far more than the statement
    itself. So what is looked up is read on the event loop, on a connection of its own: with a write-ahead log no writer
    makes it wait. Where that does not work out at once (another process repairs the log, say), a thread waits for it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._has_near = is_sqlite(engine.url)
        self._near: Connection | None = None
        if self._has_near:
            event.listen(engine.sync_engine, "engine_disposed", self._close_near)

    async def look_up(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        if not self._has_near:
            return await self.search(statement, parameters)
        try:
            rows: Sequence[Row[Any]] = self._nearby().execute(statement, parameters).all()
            return rows
        except OperationalError:
            return await self.search(statement, parameters)

    async def search(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        with translated():
            async with self._engine.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(statement, parameters)).all()
                return rows

    def _nearby(self) -> Connection:
        if self._near is None:
            self._near = _engine_without_threads(self._engine).connect()
        return self._near

    def _close_near(self, _: Engine) -> None:
        if self._near is not None:
            self._near.close()
            self._near.engine.dispose()
            self._near = None


def _engine_without_threads(engine: AsyncEngine) -> Engine:
    return create_engine(
        engine.url.set(drivername="sqlite"),
        connect_args={"timeout": 0, "check_same_thread": False},
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )

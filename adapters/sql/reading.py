"""Single statements outside of any unit of work, one round trip each."""

import sqlite3
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, Select, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from adapters.sql.engine import create_snapshot_engine, is_sqlite, pool_size_of, timeout_of
from adapters.sql.failures import translated
from adapters.sql.lookups import Compiled, CompiledStatements
from adapters.sql.snapshots import snapshot
from adapters.sql.turns import Turns

Rows = Sequence[Any]
"""With columns as attributes."""


class Reader:
    """One for each engine. `search` runs any statement; `look_up` is the fast lane for the few that find a row by its
    key.

    On SQLite, handing a statement to a thread and its answer back costs thirty times what the statement does. So what
    is looked up is read on the event loop, on a connection of its own: with a write-ahead log, no writer makes it wait.

    On PostgreSQL, look-ups take turns on as many connections as the pool keeps. One beyond that would be opened for a
    single row and closed again, which takes longer than waiting.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._statements = CompiledStatements(engine.dialect)
        self._near: sqlite3.Connection | None = None
        self._fast_lane = self._on_the_loop if is_sqlite(engine.url) else self._through_the_driver
        self.turns = Turns(pool_size_of(engine), timeout=timeout_of(engine))
        event.listen(engine.sync_engine, "engine_disposed", self._close)

    @property
    def on_postgresql(self) -> bool:
        return not is_sqlite(self._engine.url)

    async def search(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows:
        with translated():
            async with self._engine.connect() as connection:
                rows: Rows = (await connection.execute(statement, values)).all()
                return rows

    async def look_up(self, statement: Select[Any], values: Mapping[str, Any]) -> Rows:
        """The statement has to be one of a few, for it is kept."""
        rows = await self._fast_lane(self._statements.of(statement, values), values)
        return await self.search(statement, values) if rows is None else rows

    def snapshot(self, statement: Select[Any], values: Mapping[str, Any]) -> AsyncGenerator[Rows, None]:
        """All rows, however many, on a connection beside the pool. See `snapshots`."""
        return snapshot(self._for_snapshots, statement, values)

    @cached_property
    def _for_snapshots(self) -> AsyncEngine:
        return create_snapshot_engine(self._engine)

    async def _on_the_loop(self, lookup: Compiled, values: Mapping[str, Any]) -> Rows | None:
        """None where it does not work out: another process has the file for itself just now, say, which only a thread
        may wait for. The slow lane then waits, or says what is wrong."""
        try:
            if self._near is None:
                self._near = sqlite3.connect(str(self._engine.url.database), timeout=0, check_same_thread=False)
            return lookup.rows(self._near.execute(lookup.text, lookup.arguments(values)))
        except sqlite3.Error:
            return None

    async def _through_the_driver(self, lookup: Compiled, values: Mapping[str, Any]) -> Rows | None:
        """None where the connection was lost: a read may be done again."""
        await self.turns.take()
        try:
            with translated():
                return await self._fetched(lookup, values)
        finally:
            self.turns.give_back()

    async def _fetched(self, lookup: Compiled, values: Mapping[str, Any]) -> Rows | None:
        connection = await self._engine.raw_connection()
        driver: Any = connection.driver_connection
        try:
            return lookup.rows(await driver.fetch(lookup.text, *lookup.arguments(values)))
        except BaseException as error:
            lost = isinstance(error, Exception) and driver.is_closed()
            await greenlet_spawn(connection.invalidate)
            if lost:
                return None
            raise
        finally:
            await greenlet_spawn(connection.close)

    def _close(self, _: Engine) -> None:
        if self._near is not None:
            self._near.close()
            self._near = None

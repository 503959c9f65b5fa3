"""The connections of an engine, and how many are in use."""

from typing import TYPE_CHECKING

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from adapters.sql.turns import WAITING_FOR_EACH
from application.ports import Usage, Watched

if TYPE_CHECKING:
    from adapters.sql.reading import Reader
    from adapters.sql.unit_of_work import SqlTransactions


class BoundedPool(AsyncAdaptedQueuePool):
    """The pool bounds for how long one waits for a connection; this bounds how many do."""

    waiting = 0

    @property
    def most(self) -> int:
        """Connections at once, those beyond the ones that are kept open too."""
        return self.size() + self._max_overflow

    def _do_get(self) -> ConnectionPoolEntry:
        """Raises PoolTimeout: too many wait, or it took too long."""
        if self.checkedout() < self.most:
            return super()._do_get()
        if self.waiting >= self.most * WAITING_FOR_EACH:
            raise PoolTimeout("Too many wait for a connection already.")
        self.waiting += 1
        try:
            return super()._do_get()
        finally:
            self.waiting -= 1


class SqlConnections(Watched):
    """Waiting are those for a connection, for the fast lane, and in SQLite's queue of writers."""

    def __init__(self, engine: AsyncEngine, reader: "Reader", transactions: "SqlTransactions") -> None:
        self._engine = engine
        self._reader = reader
        self._transactions = transactions

    def usage(self) -> Usage:
        pool = self._engine.pool
        assert isinstance(pool, BoundedPool)  # noqa: S101
        waiting = pool.waiting + self._reader.turns.waiting + self._transactions.turns.waiting
        return Usage(pool.most, pool.checkedout(), waiting)

"""From a URL to an engine that behaves alike on PostgreSQL and on SQLite.

Every connection is in the driver's autocommit mode: a read is one round trip, and nothing is ever begun that nobody
asked for. The one place that begins and commits is the unit of work.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, NullPool, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from adapters.sql.pool import BoundedPool

POSTGRESQL = "postgresql"
SQLITE = "sqlite"

_FRESH = 1.0
"""Seconds for which a pooled connection that was used counts as alive without a ping."""

_FOR_MORE_ROWS = 30.0
"""Seconds that PostgreSQL gets for the next rows of a snapshot; whoever reads it gets twice as many to ask for more."""

_PATIENCE = 600.0
"""Seconds that a migration waits for another one on SQLite."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the data is, and how much of the database is used at once.

    `url` is `postgresql://…` or `sqlite:///…`, or the path of a SQLite file. `timeout` (seconds) bounds each thing that
    is waited for: a connection, a lock, a statement. Connections are renewed after `pool_recycle` seconds.
    """

    url: str = field(repr=False)
    pool_size: int = 10
    max_overflow: int = 20
    pool_recycle: float = 3600.0
    timeout: float = 5.0


def create_engine(database: Database) -> AsyncEngine:
    """Connects to nothing yet.

    Raises:
        ValueError: the URL is not one of a database that we know. The message does not repeat it: there may be a
            password in it.
    """
    url = _parsed(database.url)
    pool = {
        "poolclass": BoundedPool,
        "pool_size": database.pool_size,
        "max_overflow": database.max_overflow,
        "pool_recycle": database.pool_recycle,
        "pool_timeout": database.timeout,
    }
    if is_sqlite(url):
        return _sqlite(url, database.timeout, pool)
    engine = _postgresql(url, database.timeout, database.timeout, pool)
    _mistrust_idle_connections(engine)
    return engine


def create_patient_engine(engine: AsyncEngine) -> AsyncEngine:
    """The same database for migrations: nothing pooled, statements and locks take what they take.

    On SQLite foreign keys are off: it changes a table by copying and dropping it, and that would cascade.
    """
    unpooled = {"poolclass": NullPool}
    if is_sqlite(engine.url):
        return _sqlite(engine.url, _PATIENCE, unpooled, foreign_keys=False)
    return _postgresql(engine.url, timeout_of(engine), None, unpooled)


def create_snapshot_engine(engine: AsyncEngine) -> AsyncEngine:
    """The same database for reading it as it is at one moment: each connection is opened for that, and closed behind
    it, so that none in the pool is missed for minutes."""
    unpooled = {"poolclass": NullPool}
    if is_sqlite(engine.url):
        return _sqlite(engine.url, timeout_of(engine), unpooled)
    return _postgresql(engine.url, timeout_of(engine), _FOR_MORE_ROWS, unpooled)


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == SQLITE


def timeout_of(engine: AsyncEngine) -> float:
    """The `timeout` that the engine was made with, in seconds."""
    return float(engine.get_execution_options()["timeout"])


def connector_of(engine: AsyncEngine) -> Callable[[], Awaitable[Any]]:
    """What opens a connection of the driver's own, beside the pool; of PostgreSQL only."""
    connect: Callable[[], Awaitable[Any]] = engine.get_execution_options()["connect"]
    return connect


def pool_size_of(engine: AsyncEngine) -> int:
    """How many connections the pool keeps open."""
    return engine.pool.size() if isinstance(engine.pool, QueuePool) else 1


def _parsed(text: str) -> URL:
    if "://" not in text:
        url = URL.create(SQLITE, database=text)
    else:
        try:
            url = make_url(text.replace("postgres://", "postgresql://", 1))
        except (ArgumentError, ValueError):  # a port that is no number is a ValueError
            raise ValueError("This is not the URL of a database.") from None
    if url.get_backend_name() == POSTGRESQL:
        return url.set(drivername="postgresql+asyncpg")
    if not is_sqlite(url):
        raise ValueError("Moothall keeps its data in PostgreSQL (postgresql://…) or in SQLite (sqlite:///…).")
    if url.database in (None, "", ":memory:") or url.query:
        raise ValueError("A SQLite database is a file and nothing more, such as sqlite:///moothall.db.")
    return url.set(drivername="sqlite+aiosqlite")


def _postgresql(url: URL, connect_timeout: float, timeout: float | None, pool: dict[str, Any]) -> AsyncEngine:
    """The driver parses the URL itself, so that it takes the parameters that other clients take (`sslmode`, …).

    The server ends a statement that takes too long; the driver's own limit, a second later, is for a server that is
    gone without a word.
    """
    dsn = url.set(drivername=POSTGRESQL).render_as_string(hide_password=False)

    async def connect() -> object:
        import asyncpg  # noqa: PLC0415 (SQLite does without)

        return await asyncpg.connect(
            dsn,
            timeout=connect_timeout,
            command_timeout=None if timeout is None else timeout + 1,
            server_settings={
                "application_name": "moothall",
                "statement_timeout": "0" if timeout is None else str(round(timeout * 1000)),
                # A process that was stopped within a transaction holds no lock for longer than that.
                "idle_in_transaction_session_timeout": "0" if timeout is None else str(round(timeout * 2000)),
                "jit": "off",
            },
        )

    return create_async_engine(
        url,
        async_creator=connect,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        execution_options={"timeout": connect_timeout, "connect": connect},
        **pool,
    )


def _mistrust_idle_connections(engine: AsyncEngine) -> None:
    """Replace connections that died in the pool, before they are used.

    A ping at every checkout would cost a round trip and a third of the throughput. A connection that the server closed
    is known to be closed; only one that was idle may be dead without anybody knowing, and is pinged.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def note_use(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["used_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used_at = entry.info.get("used_at")
        if used_at is None:
            return
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - used_at > _FRESH:
            try:
                connection.ping()
            except Exception as error:
                raise InvalidatePoolError from error


def _sqlite(url: URL, timeout: float, pool: dict[str, Any], *, foreign_keys: bool = True) -> AsyncEngine:
    engine = create_async_engine(
        url,
        connect_args={"timeout": timeout},
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,
        execution_options={"timeout": timeout},
        **pool,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        _write_ahead(cursor.execute, timeout)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "handle_error")
    def keep(failure: ExceptionContext) -> None:
        """Who waits for a statement may be cancelled; the thread ends the statement all the same, and the connection is
        as good as before. SQLAlchemy would close it, but not the cursor; and SQLite keeps a connection, its locks
        included, until the last unfinished SELECT is gone, which the garbage collector decides. A connection that is
        not lost has its cursor closed at once."""
        if isinstance(failure.original_exception, asyncio.CancelledError):
            failure.is_disconnect = False

    return engine


def _write_ahead(execute: Callable[[str], object], timeout: float) -> None:
    """Readers and a writer at once. Of processes that open a new file together, SQLite fails some without waiting."""
    give_up_at = time.monotonic() + timeout
    while True:
        try:
            execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)

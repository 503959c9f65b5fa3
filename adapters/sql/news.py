"""How a commit is made known to those whom it concerns: workers that there are jobs, readers that something changed.

On PostgreSQL the notices are part of the transaction. On SQLite the file says that it was written to, and the workers
of other processes look for jobs now and then.
"""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sql.changes import FileChanges, NotifiedChanges, notice_of
from adapters.sql.engine import connector_of, is_sqlite
from adapters.sql.failures import unavailable
from adapters.sql.notices import Notices
from adapters.sql.work import Work
from adapters.version_table import VersionTable
from adapters.wake_ups import Bell
from application.remembering import Changes

_JOBS = "moothall_jobs"


class News(Protocol):
    wake_ups: Bell
    changes: Changes

    async def commit(self, connection: AsyncConnection, work: Work) -> None:
        """Commit, and make it known. What failed counts as a change, too: it may have been committed."""
        ...

    async def close(self) -> None: ...


def news_of(engine: AsyncEngine) -> News:
    if is_sqlite(engine.url):
        return FileNews(engine)
    url = engine.url
    table = VersionTable.shared((url.host, url.port, url.database, sorted(url.query.items())))
    return ServerNews(Notices(connector_of(engine)), table)


class FileNews(News):
    def __init__(self, engine: AsyncEngine) -> None:
        self.wake_ups = Bell()
        self.changes = FileChanges(engine)

    async def commit(self, connection: AsyncConnection, work: Work) -> None:
        await connection.exec_driver_sql("COMMIT")
        if work.left_jobs:
            self.wake_ups.ring()

    async def close(self) -> None:
        """Nothing is open but the engine's."""


class ServerNews(News):
    def __init__(self, notices: Notices, table: VersionTable) -> None:
        self._notices = notices
        self._table = table
        self.wake_ups = NotifiedBell(self._notices)
        self.changes = NotifiedChanges(self._notices, self._table)

    async def commit(self, connection: AsyncConnection, work: Work) -> None:
        """In one round trip."""
        statements = [f"NOTIFY {_JOBS}"] if work.left_jobs else []
        if work.changed:
            statements.append(notice_of(work.changed))
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None  # noqa: S101
        try:
            await driver.execute("; ".join((*statements, "COMMIT")))
        except Exception as error:
            if driver.is_closed():
                raise unavailable() from error
            raise
        finally:
            self._table.change(work.changed)

    async def close(self) -> None:
        await self._notices.close()
        self._table.close()


class NotifiedBell(Bell):
    """Rung by every process on the database, this one included."""

    def __init__(self, notices: Notices) -> None:
        super().__init__()
        self._notices = notices
        notices.listen(_JOBS, lambda _: self.ring())

    async def wait(self, seconds: float) -> None:
        self._notices.attend()
        await super().wait(seconds)

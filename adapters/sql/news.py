"""How a commit is made known to those whom it concerns: workers that there are jobs, readers that something changed.

On PostgreSQL the notices are part of the transaction. On SQLite the file says that it was written to, and the workers
of other processes look for jobs now and then.
"""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.changes import FileChanges, NotifiedChanges, notice_of
from adapters.sql.engine import connector_of, is_sqlite
from adapters.sql.notices import Notices
from adapters.sql.work import Work
from adapters.version_table import VersionTable
from adapters.wake_ups import Bell
from application.remembering import Changes

_JOBS = "moothall_jobs"


class News(Protocol):
    wake_ups: Bell
    changes: Changes

    async def commit(self, work: Work) -> None:
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

    async def commit(self, work: Work) -> None:
        await work.command("COMMIT")
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

    async def commit(self, work: Work) -> None:
        """In one round trip. That there are jobs is told behind the commit: commits with a notice wait for each other,
        until each is on the disk. Should that notice be lost, workers find the jobs a moment later; what changed has to
        be told with the commit or not at all.
        """
        statements = [notice_of(work.changed)] if work.changed else []
        statements.append("COMMIT")
        if work.left_jobs:
            statements.append(f"NOTIFY {_JOBS}")
        try:
            await work.command("; ".join(statements))
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

"""How workers hear of jobs that were left in a database.

On PostgreSQL by LISTEN and NOTIFY, from every process; the notice goes out with the COMMIT. On SQLite within this
process. What is not heard of is found by looking now and then.
"""

import asyncio
import logging
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import greenlet_spawn

from adapters.sql.engine import is_sqlite
from adapters.sql.failures import translated
from adapters.wake_ups import Bell
from domain.errors import Unavailable

log = logging.getLogger("moothall.jobs")

CHANNEL = "moothall_jobs"


class LocalWakeUps(Bell):
    async def announce(self, connection: AsyncConnection) -> None:
        """Before the COMMIT: there is nobody to tell."""


class NotifiedWakeUps(LocalWakeUps):
    """Listens from the first wait on, on a connection of its own, which is opened again when it is lost."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._engine = engine
        self._driver: Any = None
        self._listening: asyncio.Task[None] | None = None

    async def announce(self, connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def ring(self) -> None:
        """After the COMMIT: everybody is told already."""

    async def wait(self, seconds: float) -> None:
        if (self._driver is None or self._driver.is_closed()) and (self._listening is None or self._listening.done()):
            self._listening = asyncio.create_task(self._listen())
        await super().wait(seconds)

    async def close(self) -> None:
        if self._listening is not None:
            await self._listening
        driver, self._driver = self._driver, None
        if driver is not None and not driver.is_closed():
            driver.terminate()  # a good-bye could be waited for in vain

    async def _listen(self) -> None:
        """A task of its own: who waits may be cancelled, and that may leave no connection behind."""
        try:
            with translated():
                connection = await self._engine.raw_connection()
                self._driver = connection.driver_connection
                await greenlet_spawn(connection.detach)  # the pool gives it to nobody else
                self._driver.add_termination_listener(self._heard)
                await self._driver.add_listener(CHANNEL, self._heard)
        except Unavailable as error:
            log.debug("Jobs are looked for, not listened for: %s", error)
        except Exception:
            log.exception("Jobs are looked for, not listened for")

    def _heard(self, *_: object) -> None:
        """Of a job, or that the connection was lost: then one listens anew."""
        super().ring()


def wake_ups_of(engine: AsyncEngine) -> LocalWakeUps:
    return LocalWakeUps() if is_sqlite(engine.url) else NotifiedWakeUps(engine)

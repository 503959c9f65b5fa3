"""What is done beside the servers, until somebody says stop. Any number of these may run at once."""

import asyncio
import logging
import signal
from collections.abc import Iterable
from datetime import timedelta

from application.jobs.kinds import JobKind
from application.jobs.runner import HANDS, LEASE
from entrypoints.background import working
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings

log = logging.getLogger("moothall.worker")


async def run_worker(settings: Settings, *, more_kinds: Iterable[JobKind] = (), lease: timedelta = LEASE) -> None:
    """Do jobs, and seal the audit trail, until SIGTERM or SIGINT. For the rest, see `open_application`.

    Raises:
        Unavailable: the database is away, or not migrated, at the start; later that is logged and tried again.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # One for each hand, and some for claiming, renewing and sealing: connections beyond the pool are closed each time.
    pooled = settings.model_copy(update={"db_pool_size": max(settings.db_pool_size, HANDS + 3)})
    async with open_application(pooled, more_kinds=more_kinds, lease=lease) as application, working(application):
        log.info("Waiting for jobs.")
        await stop.wait()
    log.info("Stopped.")

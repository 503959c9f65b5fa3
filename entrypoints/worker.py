"""What is done beside the servers, until somebody says stop. Several of these may run at once."""

import asyncio
import logging
import signal

from domain.access.actor import Actor
from entrypoints.bootstrap import open_application
from entrypoints.housekeeping import house_kept
from entrypoints.settings import Settings

log = logging.getLogger("moothall.worker")


async def run_worker(settings: Settings, actor: Actor, *, every: float) -> None:
    """Sweep every so many seconds, and seal the audit trail, until SIGTERM or SIGINT.

    Raises:
        Unavailable: the database is away, or not migrated, at the start; later that is logged and tried again.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_application(settings) as application:
        log.info("Sweeping every %g seconds.", every)
        async with house_kept(application, actor, sweep_every=every, at_once=True):
            await stop.wait()
    log.info("Stopped.")

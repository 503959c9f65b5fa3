"""Work that has to be done now and then, beside the servers. Several of these may run at once."""

import asyncio
import logging
import signal
from contextlib import suppress

from application.app import Application
from domain.access.actor import Actor
from domain.errors import Unavailable
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings

log = logging.getLogger("moothall.worker")


async def run_worker(settings: Settings, actor: Actor, *, every: float) -> None:
    """Sweep every so many seconds, until SIGTERM or SIGINT.

    Raises:
        Unavailable: the database is away, or not migrated, at the start; later that is logged and tried again.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_application(settings) as application:
        log.info("Sweeping every %g seconds.", every)
        while not stop.is_set():
            await _sweep_if_possible(application, actor)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
    log.info("Stopped.")


async def _sweep_if_possible(application: Application, actor: Actor) -> None:
    try:
        swept = await application.sweep(actor)
    except Unavailable as error:
        log.error("Not swept: %s", error)  # noqa: TRY400 - the sentence says it all
    else:
        log.info("Swept %d sessions and %d signing keys.", swept.sessions, swept.signing_keys)

"""What is done while servers answer, or by `moothall worker`: jobs, and sealing the audit trail. Several processes may
do it at once."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from application.app import Application
from domain.access.actor import PROCESS
from domain.errors import MoothallError

log = logging.getLogger("moothall.background")

SEAL_EVERY = 5.0
"""Seconds. An entry of the audit trail cannot be removed unnoticed once it is sealed."""
TELL_HEAD_EVERY = 3600.0
BEGIN_ANEW_AFTER = 1.0


@asynccontextmanager
async def working(application: Application, *, jobs: bool = True) -> AsyncIterator[None]:
    """Meanwhile, seal the audit trail, and do jobs unless that is left to others.

    What is under way at the end is finished, or put back.
    """
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_seal(application, stop))
        if jobs:
            tasks.create_task(_do_jobs(application, stop))
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def warming(application: Application) -> AsyncIterator[None]:
    """Meanwhile, read what everybody will ask for first. Nobody waits for it, and whoever asks reads it otherwise."""
    task = asyncio.create_task(_warm(application))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def connecting(application: Application) -> AsyncIterator[None]:
    """Meanwhile, live connections are told what happens; in the end they are closed."""
    task = asyncio.create_task(application.live.switchboard.run())
    try:
        yield
    finally:
        application.live.switchboard.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _warm(application: Application) -> None:
    try:
        await application.posts.list_posts(PROCESS)
    except MoothallError as error:
        log.warning("The newest posts were not read ahead: %s", error)
    except Exception:
        log.exception("The newest posts were not read ahead")


async def _do_jobs(application: Application, stop: asyncio.Event) -> None:
    """Whatever goes wrong in there, the server lives on, and so do the jobs."""
    while not stop.is_set():
        try:
            await application.runner.run(stop)
        except Exception:
            log.exception("The worker failed, and begins anew")
            await _pause(stop, BEGIN_ANEW_AFTER)


async def _seal(application: Application, stop: asyncio.Event) -> None:
    """The head goes into the log, because there it is out of reach for who can only write to the database."""
    head_told_at = -math.inf
    while not stop.is_set():
        await _pause(stop, SEAL_EVERY)
        try:
            sealed = await application.audit.seal(PROCESS)
        except MoothallError as error:
            log.error("Audit trail not sealed: %s", error)  # noqa: TRY400 - the sentence says it all
            continue
        except Exception:
            log.exception("Audit trail not sealed")
            continue
        if sealed.head is not None and time.monotonic() - head_told_at >= TELL_HEAD_EVERY:
            head_told_at = time.monotonic()
            log.info("The audit trail is sealed up to %s.", sealed.head)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()

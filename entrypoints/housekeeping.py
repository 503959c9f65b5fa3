"""Work that has to be done now and then, by servers and by `moothall worker`. Several processes may do it at once."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from application.app import Application
from domain.access.actor import Actor
from domain.errors import MoothallError

log = logging.getLogger("moothall.housekeeping")

SWEEP_EVERY = 300.0
SEAL_EVERY = 5.0
"""Seconds. An entry of the audit trail cannot be removed unnoticed once it is sealed."""
TELL_HEAD_EVERY = 3600.0


@asynccontextmanager
async def house_kept(
    application: Application, actor: Actor, *, sweep_every: float = SWEEP_EVERY, at_once: bool = False
) -> AsyncIterator[None]:
    """Meanwhile, sweep and seal; `at_once`: for the first time right now, else after the first interval.

    What is under way at the end is finished.
    """
    stop = asyncio.Event()

    async def sweep() -> None:
        log.log(logging.INFO if at_once else logging.DEBUG, "Swept %s.", await application.sweep(actor))

    head_told_at = -math.inf

    async def seal() -> None:
        """The head goes into the log, because there it is out of reach for who can only write to the database."""
        nonlocal head_told_at
        sealed = await application.audit.seal(actor)
        if sealed.head is not None and time.monotonic() - head_told_at >= TELL_HEAD_EVERY:
            head_told_at = time.monotonic()
            log.info("The audit trail is sealed up to %s.", sealed.head)

    async def again_and_again(work: Callable[[], Awaitable[None]], failure: str, every: float) -> None:
        if not at_once:
            await _pause(stop, every)
        while not stop.is_set():
            try:
                await work()
            except MoothallError as error:
                log.error("%s: %s", failure, error)  # noqa: TRY400 - the sentence says it all
            except Exception:
                log.exception(failure)
            await _pause(stop, every)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(again_and_again(sweep, "Not swept", sweep_every))
        tasks.create_task(again_and_again(seal, "Audit trail not sealed", min(SEAL_EVERY, sweep_every)))
        try:
            yield
        finally:
            stop.set()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

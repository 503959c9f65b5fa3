"""Waiting for what cannot be waited for otherwise."""

import asyncio
from collections.abc import Callable

LOOKS_EVERY = 0.02
LONG_ENOUGH = 30.0
"""Seconds."""


async def until(holds: Callable[[], bool]) -> None:
    """Raises TimeoutError where it takes far too long."""
    async with asyncio.timeout(LONG_ENOUGH):
        while True:
            if holds():
                return
            await asyncio.sleep(LOOKS_EVERY)

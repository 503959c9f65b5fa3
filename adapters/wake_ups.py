"""The bell that is rung in this process when a unit of work that left jobs was committed."""

import asyncio
from contextlib import suppress

from application.ports import WakeUps


class Bell(WakeUps):
    """Everybody who waits hears it."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        for each in self._waiting:
            each.set()

    async def wait(self, seconds: float) -> None:
        heard = asyncio.Event()
        self._waiting.add(heard)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for would swallow a cancellation that comes with the bell
                    await heard.wait()
        finally:
            self._waiting.discard(heard)

"""Waiting in line, with an end to the line."""

import asyncio

from adapters.sql.failures import unavailable

WAITING_FOR_EACH = 100
"""How many may wait for each connection, or each turn, of which there is only so much: they wait about as long as a
hundred statements take. Whoever comes later hears at once that it is too much."""


class Turns:
    """So many `at_once`, the others in the order in which they came, for `timeout` seconds at most."""

    def __init__(self, at_once: int, *, timeout: float) -> None:
        self.waiting = 0
        self._most_waiting = at_once * WAITING_FOR_EACH
        self._timeout = timeout
        self._free = asyncio.Semaphore(at_once)

    async def take(self) -> None:
        """Raises Unavailable (`database-unavailable`): too many wait, or it took too long."""
        if not self._free.locked():
            await self._free.acquire()
            return
        if self.waiting >= self._most_waiting:
            raise unavailable()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise unavailable() from None
        finally:
            self.waiting -= 1

    def give_back(self) -> None:
        self._free.release()

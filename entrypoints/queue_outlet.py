"""How messages reach whoever takes them one by one: a stream of events, a command, a server other than ours."""

import asyncio
from collections import deque
from collections.abc import Callable

from application.live.outgoing import Ending, Outgoing

DRAINED_WITHIN = 10.0
"""Seconds in which who is told what they missed has to take some of it."""
LARGEST_QUEUE = 256 * 1024
"""Characters that may wait; one message more may come on top."""


class Gone(Exception):
    """The client is not there any more."""


class QueueOutlet:
    """`too_slow` is called when too much waits."""

    def __init__(self, too_slow: Callable[[], None]) -> None:
        self.ending: Ending | None = None
        self.over = asyncio.Event()
        self._too_slow = too_slow
        self._waiting: deque[Outgoing] = deque()
        self._size = 0
        self._came = asyncio.Event()
        self._taken = asyncio.Event()

    def tell(self, outgoing: Outgoing) -> None:
        if self.ending is not None:
            return
        if self._size > LARGEST_QUEUE:
            self._too_slow()
            return
        self._waiting.append(outgoing)
        self._size += len(outgoing.text)
        self._came.set()

    def end(self, ending: Ending) -> None:
        """Who was too slow does not get the rest."""
        self.ending = self.ending or ending
        self.over.set()
        if ending is Ending.TOO_SLOW:
            self._waiting.clear()
        self._came.set()
        self._taken.set()

    async def drained(self) -> None:
        """Raises Gone."""
        try:
            async with asyncio.timeout(DRAINED_WITHIN):
                while self._size > LARGEST_QUEUE // 2 and self.ending is None:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            self._too_slow()
        if self.ending is not None:
            raise Gone

    async def next(self) -> Outgoing | None:
        """The next message, once there is one; None at the end."""
        while not self._waiting:
            if self.ending is not None:
                return None
            self._came.clear()
            await self._came.wait()
        outgoing = self._waiting.popleft()
        self._size -= len(outgoing.text)
        self._taken.set()
        return outgoing

"""Telling everybody who follows what is numbered, in its order, each once: without a gap, without a double.

What was committed just now is heard from the hub. Where a number is missing, or something may have been missed, the
store is read; and whoever comes back with a cursor gets from there what they missed before they follow.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.live.outgoing import Outgoing, Tell
from domain.errors import MoothallError
from domain.live.cursor import Cursor

log = logging.getLogger("moothall.live")

PORTION = 100
"""Messages that are read from the store at once."""
A_FEW = 10
"""So many that nobody who comes back is too slow for them."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


Drained = Callable[[], Awaitable[None]]
"""Waits until the client has taken most of what it was told."""


@dataclass(frozen=True, slots=True)
class Item:
    """One that is numbered, as JSON."""

    number: int
    data: Mapping[str, Any]


class Stream(ABC):
    """What is told to all who follow here. `number` is how far they were told."""

    def __init__(self, spawn: Spawn) -> None:
        self.number = -1
        self.followers: set[Tell] = set()
        self.lock = asyncio.Lock()
        self._spawn = spawn
        self._heard = -1

    @abstractmethod
    async def latest(self) -> int:
        """The number of the last one that there is."""

    @abstractmethod
    async def read(self, after: int, limit: int) -> Sequence[Item]:
        """From the store, in their order."""

    @abstractmethod
    def outgoing(self, item: Item) -> Outgoing: ...

    def hear(self, number: int, data: Mapping[str, Any]) -> None:
        """Of one that was committed just now. All before it were committed before."""
        if number <= self.number or not self.followers:
            self._heard = max(self._heard, number)
        elif number == self.number + 1 and not self.lock.locked():
            self._tell(Item(number, data))
        else:
            self.fall_behind(number)

    def fall_behind(self, number: int) -> None:
        """The store has more, up to that number at least."""
        if number > self._heard:
            self._heard = number
            self._spawn(self._catch_up())

    async def _catch_up(self) -> None:
        try:
            async with self.lock:
                await self.advance()
        except BaseException as error:
            self._heard = self.number  # whoever looks next finds it behind again
            if not isinstance(error, MoothallError):
                raise
            log.warning("What was missed was not read: %s", error)

    async def advance(self) -> None:
        """Tell everybody what the store has more. Call it with the lock held."""
        while self.followers and self.number < self._heard:
            heard = self._heard
            while rows := await self.read(self.number, PORTION):
                for row in rows:
                    self._tell(row)
                if len(rows) < PORTION:
                    break
            self.number = max(self.number, heard)  # what is not there any more was removed meanwhile

    async def settle(self) -> None:
        """Make sure that `number` is up to date, before somebody begins to follow. Call it with the lock held."""
        await self.come_to(await self.latest())

    async def come_to(self, latest: int) -> None:
        """Tell everybody what there is up to that number, which the store has. Call it with the lock held."""
        self._heard = max(self._heard, latest)
        if self.followers:
            await self.advance()
        else:
            self.number = max(self.number, latest)

    async def replay(self, tell: Tell, after: int, drained: Drained) -> Outgoing | None:
        """Tell one what they missed, and everything from then on; while they take it, nobody else waits. The last of it
        is returned."""
        told = None
        while len(rows := await self.read(after, PORTION)) > A_FEW:
            for row in rows:
                tell(told := self.outgoing(row))
                await drained()
            after = rows[-1].number
        async with self.lock:
            await self.come_to(after)  # the others may not have been told so much yet
            while rows := await self.read(after, PORTION):
                for row in rows:
                    self.tell_others(row)
                    tell(told := self.outgoing(row))
                after = rows[-1].number
            self.add(tell)
        return told

    def add(self, tell: Tell) -> None:
        """They have been told all up to `number`. Call it with the lock held."""
        self.followers.add(tell)
        if self._heard > self.number:
            self._spawn(self._catch_up())

    def tell_others(self, item: Item) -> None:
        """What somebody who just comes was told, and those who follow may not know yet."""
        if item.number > self.number:
            self._tell(item)

    def _tell(self, item: Item) -> None:
        outgoing = self.outgoing(item) if self.followers else None
        self.number = item.number
        if outgoing is not None:
            for follower in tuple(self.followers):
                follower(outgoing)


def is_too_old(cursor: Cursor, number: int, *, kept: int) -> bool:
    """Whether some of what came behind it may be gone, where so many are kept; or it is none of this store's."""
    return not number - kept <= cursor.number <= number

"""Counters in this process."""

import asyncio
import threading
import time
from collections import Counter, defaultdict
from math import floor

from limits.storage.base import Storage
from limits.storage.memory import Entry, MemoryStorage

from adapters.rate_limits.windows import Window, until_free
from application.limits import Limit, RateLimiter, Standing

MOST_KEYS = 32_768
"""Counters of one limit, each of about 300 bytes. Beyond them the lowest are forgotten, for those with many calls are
the ones that limits are for."""

MOST_WAITING = 500
MOST_WAITING_FOR_ONE = 64


class BoundedMemory(MemoryStorage):
    """The library's, but bounded, and without its thread that looks through all counters every hundredth of a second:
    the event loop is the only caller."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        Storage.__init__(self)
        self.storage = Counter()
        self.expirations: dict[str, float] = {}
        self.events: dict[str, list[Entry]] = {}
        self.locks = defaultdict(threading.RLock)
        self._most = most

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        count = self.get(key)
        if not count:
            if len(self.storage) >= self._most:
                self._make_room()
            self.expirations[key] = time.time() + expiry
        self.storage[key] = count + amount
        return count + amount

    def decr(self, key: str, amount: int = 1) -> int:
        count = self.get(key) - amount
        if count > 0:
            self.storage[key] = count
            return count
        self.clear(key)
        return 0

    def get(self, key: str) -> int:
        """The window is part of the key: what has run out is asked for no more."""
        return self.storage.get(key, 0)

    def _make_room(self) -> None:
        now = time.time()
        gone = [key for key, expires in self.expirations.items() if expires <= now]
        left = self._most * 3 // 4
        if len(self.storage) - len(gone) > left:
            gone = sorted(self.storage, key=lambda key: (self.expirations[key] > now, self.storage[key]))[:-left]
        for key in gone:
            self.clear(key)


class LocalRateLimits(RateLimiter):
    """`share`: how many processes share each limit, without knowing of each other; this one has its part."""

    def __init__(self, share: int = 1) -> None:
        self._share = share
        self._memories: defaultdict[str, BoundedMemory] = defaultdict(BoundedMemory)
        self._undecided: Counter[tuple[str, str]] = Counter()
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Future[None]]] = defaultdict(set)

    async def take(self, limit: Limit, key: str, *, undecided: bool = False) -> Standing:
        return self.count(limit, key, max(1, limit.amount // self._share), undecided=undecided)

    def count(self, limit: Limit, key: str, amount: int, *, undecided: bool = False) -> Standing:
        """One of so many, whatever the limit says."""
        memory, seconds = self._memories[limit.name], limit.seconds
        receipt = memory.sliding_window_keys(key, seconds, time.time())[1] if undecided else None
        taken = memory.acquire_sliding_window_entry(key, amount, seconds)
        previous, previous_left, current, current_ttl = memory.get_sliding_window(key, seconds)
        left = max(0, amount - floor(previous * previous_left / seconds + current))
        window_left = current_ttl - seconds
        wait = (
            window_left if left else until_free(Window(previous, previous_left, current, window_left), amount, seconds)
        )
        if undecided and taken:
            self._undecided[limit.name, key] += 1
        return Standing(limit, key, taken, left, wait, self._undecided.get((limit.name, key), 0), receipt)

    async def settle(self, standing: Standing, *, give_back: bool) -> None:
        self.decide(standing, give_back=give_back)

    def decide(self, standing: Standing, *, give_back: bool) -> None:
        name = (standing.limit.name, standing.key)
        if give_back and isinstance(standing.receipt, str):
            self._memories[standing.limit.name].decr(standing.receipt)
        self._undecided[name] -= 1
        if self._undecided[name] <= 0:
            del self._undecided[name]
        for waiter in self._waiting.pop(name, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def settled(self, limit: Limit, key: str, seconds: float) -> bool:
        name = (limit.name, key)
        waiting = self._waiting.get(name, set())
        if len(waiting) >= MOST_WAITING_FOR_ONE or sum(map(len, self._waiting.values())) >= MOST_WAITING:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[name].add(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            pass
        finally:
            ours = self._waiting.get(name)
            if ours is not None:
                ours.discard(waiter)
                if not ours:
                    del self._waiting[name]
        return True

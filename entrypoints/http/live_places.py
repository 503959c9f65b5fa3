"""How many live connections this process holds, and for whom."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from application.limits import network
from domain.errors import Throttled, Unavailable


@dataclass
class LivePlaces:
    """`most` in all, and `most_per_address`; in IPv6 an address stands for its subscriber's network. Whoever has not
    said who they are counts, too."""

    most: int
    most_per_address: int
    taken: int = 0
    by_address: Counter[str] = field(default_factory=Counter)
    _shut_out: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def place(self, address: str | None) -> Iterator[None]:
        """Raises Throttled (`too-many-connections`, `too-many-requests`), Unavailable (`overloaded`)."""
        key = network(address)
        now = asyncio.get_running_loop().time()
        if (until := self._shut_out.get(key, now)) > now:
            raise Throttled("too-many-requests", "There were too many wrong credentials.", retry_after=until - now)
        if self.taken >= self.most:
            raise Unavailable("overloaded", "There are as many live connections as this server takes.", retry_after=5)
        if self.by_address[key] >= self.most_per_address:
            raise Throttled(
                "too-many-connections", "There are too many live connections from your address.", retry_after=5
            )
        self.taken += 1
        self.by_address[key] += 1
        try:
            yield
        finally:
            self.taken -= 1
            self.by_address[key] -= 1
            if not self.by_address[key]:
                del self.by_address[key]

    def shut_out(self, address: str | None, seconds: float) -> None:
        """Nobody from there is let in for so long."""
        now = asyncio.get_running_loop().time()
        self._shut_out = {key: until for key, until in self._shut_out.items() if until > now}
        self._shut_out[network(address)] = now + seconds

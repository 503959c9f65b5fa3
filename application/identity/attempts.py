"""How often a password may be tried. An attempt is reserved before it is hashed, and given back if it was right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from application.limits import Limit, Limits, RateLimiter, Standing, hashed, network
from domain.access.actor import Actor
from domain.errors import Throttled, Unavailable

LONGEST_WAIT = 5.0
"""Seconds that an attempt waits for others, which may yet turn out to be right."""

LOOK_AGAIN = 0.05
"""Seconds after which it is looked whether another process has settled an attempt."""


@dataclass
class Attempt:
    right: bool = False


@dataclass(frozen=True)
class PasswordAttempts:
    """Never are more than the limit undecided or wrong within its window, however many come at once. Those beyond it
    wait while some are undecided: all may be right."""

    limiter: RateLimiter
    limits: Limits

    def at_sign_in(self, actor: Actor, *, name: str, known_device: str | None) -> AbstractAsyncContextManager[Attempt]:
        """`name`: the e-mail address or username that was typed, folded. What is counted for is the name and not whose
        it is: nobody shall learn that two names are one account's. Counted for the caller's address, too. A known
        device has a counter of its own, which no stranger can fill.

        Raises Throttled (`too-many-attempts`)."""
        if known_device is not None:
            return self._reserved(hashed("device", known_device))
        return self._reserved(hashed("name", name), hashed("address", network(actor.origin.address)))

    def at_confirmation(self, user_id: UUID) -> AbstractAsyncContextManager[Attempt]:
        """Of a member who is signed in, and shows it by their password. Counted apart from attempts to sign in, which
        anybody can make.

        Raises Throttled (`too-many-attempts`)."""
        return self._reserved(hashed("confirmation", str(user_id)))

    @asynccontextmanager
    async def _reserved(self, *keys: str) -> AsyncIterator[Attempt]:
        if self.limits.login is None:
            yield Attempt()
            return
        held = await self._hold(self.limits.login, keys)
        attempt = Attempt()
        try:
            yield attempt
        except Unavailable:
            attempt.right = True  # nothing was compared
            raise
        finally:
            await asyncio.shield(self._settle(held, give_back=attempt.right))

    async def _hold(self, limit: Limit, keys: tuple[str, ...]) -> list[Standing]:
        """One of each key, or none. While it waits for one key, it holds nothing of the others."""
        now = asyncio.get_running_loop().time
        patience = now() + LONGEST_WAIT
        while True:
            held: list[Standing] = []
            try:
                for key in keys:
                    standing = await self.limiter.take(limit, key, undecided=True)
                    if not standing.taken:
                        break
                    held.append(standing)
                else:
                    return held
            except BaseException:
                await self._settle(held, give_back=True)
                raise
            await self._settle(held, give_back=True)
            if not standing.undecided:
                raise _too_many(standing.seconds)
            if now() >= patience or not await self.limiter.settled(limit, standing.key, LOOK_AGAIN):
                raise _too_many(LONGEST_WAIT)

    async def _settle(self, held: list[Standing], *, give_back: bool) -> None:
        for standing in held:
            await self.limiter.settle(standing, give_back=give_back)


def _too_many(seconds: float) -> Throttled:
    return Throttled("too-many-attempts", "There were too many attempts; try again later.", retry_after=seconds)

"""How often somebody may do something: the port that counts, the limits that there are, and how one is used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from domain.access.actor import Actor, ActorKind
from domain.errors import Invalid, Throttled
from domain.identity.one_time_token import Purpose

SUBSCRIBER = 64
"""Bits of an IPv6 address that name a network; who has one address of it has them all."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a sliding window of so many seconds; those of one name are counted together."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one that was asked for, and what is left.

    `seconds`: until another one is free; while some are left, until the window ends. `undecided`: how many that were
    taken may still be given back. `receipt` is the limiter's own.
    """

    limit: Limit
    key: str
    taken: bool
    remaining: int
    seconds: float
    undecided: int = 0
    receipt: object = None


class RateLimiter(Protocol):
    """Counts by key. It never fails: where counts are kept elsewhere, and cannot be reached, it counts here, with less
    to give."""

    async def take(self, limit: Limit, key: str, *, undecided: bool = False) -> Standing:
        """One, where one is left. What is taken `undecided` has to be settled."""
        ...

    async def settle(self, standing: Standing, *, give_back: bool) -> None:
        """Decide on what was taken undecided: it counts, or it never was."""
        ...

    async def settled(self, limit: Limit, key: str, seconds: float) -> bool:
        """Wait until something of this key may have been settled, for so many seconds at most. False, at once, where
        as many wait as may."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Those that an installation may set; None: none."""

    default: Limit | None = None
    login: Limit | None = None
    register: Limit | None = None
    mail: Limit | None = None
    live: Limit | None = None


@dataclass(frozen=True)
class RequestLimit:
    """The general limit: for each caller, counted by each process for itself. This is asked at every request."""

    limiter: RateLimiter
    limit: Limit | None

    async def count(self, caller: str) -> Standing | None:
        """None where there is no limit."""
        return None if self.limit is None else await self.limiter.take(self.limit, caller)


@dataclass(frozen=True)
class LiveLimit(RequestLimit):
    """The same for what is said over live connections."""


@dataclass(frozen=True)
class Quotas:
    """Registrations and mails."""

    limiter: RateLimiter
    limits: Limits

    @asynccontextmanager
    async def registration(self, actor: Actor) -> AsyncIterator[None]:
        """One from the caller's address; input that is refused does not count.

        Raises Throttled (`too-many-registrations`)."""
        if self.limits.register is None:
            yield
            return
        standing = await self.limiter.take(
            self.limits.register, hashed("register", network(actor.origin.address)), undecided=True
        )
        if not standing.taken:
            raise Throttled(
                "too-many-registrations",
                "There were too many registrations from your address; try again later.",
                retry_after=standing.seconds,
            )
        refused = False
        try:
            yield
        except Invalid:
            refused = True
            raise
        finally:
            await self.limiter.settle(standing, give_back=refused)

    async def mail(self, actor: Actor, purpose: Purpose, recipient: str) -> None:
        """One for this purpose to the recipient, a folded address, whether or not there is such an account. Ask before
        a link is made: so the one that was mailed last stays good. Whoever runs commands on the server is not limited.

        Raises Throttled (`too-many-mails`)."""
        if self.limits.mail is None or actor.kind is ActorKind.OPERATOR:
            return
        standing = await self.limiter.take(self.limits.mail, hashed(purpose.value, recipient))
        if not standing.taken:
            raise Throttled(
                "too-many-mails",
                "There were too many mails of this kind to this address; the link in the last one stays good.",
                retry_after=standing.seconds,
            )


def hashed(*parts: str) -> str:
    """A key of bounded size, which does not tell what it was made of to who looks into Redis."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def network(address: str | None) -> str:
    """Whom an address stands for: itself, or in IPv6 the subscriber's network."""
    if address is None:
        return "nowhere"
    try:
        found = ip_address(address)
    except ValueError:
        return hashed(address)
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), SUBSCRIBER), strict=False))

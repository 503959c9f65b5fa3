"""What every use case may need from outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, aware."""
        ...


class Ids(Protocol):
    def new(self) -> UUID:
        """A new UUID of version 7 (RFC 9562): later ones sort behind earlier ones."""
        ...


class StoreHealth(Protocol):
    async def check(self) -> None:
        """One round trip to the store.

        Raises:
            Unavailable: it does not answer (`database-unavailable`), or its schema is older than this version of
                Moothall needs (`migrations-pending`).
        """
        ...


class WakeUps(Protocol):
    async def wait(self, seconds: float) -> None:
        """Until somebody may have left work for the workers, or so many seconds have passed. What was left by another
        process may be heard of late, or not at all."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of something is in use, of which there is only so much (`size`), and how many wait for some of it;
    `is_full` when as many wait as may."""

    size: int
    in_use: int
    waiting: int
    is_full: bool = False


class Watched(Protocol):
    def usage(self) -> Usage:
        """At this moment."""
        ...


class Reachable(Protocol):
    def is_reached(self) -> bool:
        """Whether it answered when it was last asked."""
        ...


@dataclass(frozen=True)
class Load:
    """What can be exhausted in this process: connections to a database, where there is one, and threads that hash
    passwords. And Redis, where there is one."""

    connections: Watched | None
    hashing: Watched
    redis: Reachable | None

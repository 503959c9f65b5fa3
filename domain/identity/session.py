"""A session: one sign-in on one device, kept alive by refresh tokens that change with every use."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.access.actor import Origin

LONGEST_USER_AGENT = 256


@dataclass(frozen=True, slots=True)
class Impersonation:
    """That an administrator acts in the member's place: from which session of theirs, and with which of the member's
    permissions (none: only to see what the member sees). It lives no longer than that session."""

    impersonator_id: UUID
    session_id: UUID
    permissions: frozenset[str]


class Refresh(Enum):
    """What presenting a refresh token of a given counter means."""

    NEXT = "next"
    REPEATED = "repeated"
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in and the family of refresh tokens that came of it.

    The tokens themselves are stored nowhere: each is derived from `seed`, the id and a counter under a key that is not
    in the database (`secret_id` names it). `expires_at` is absolute; no refresh moves it. One of an impersonation is
    never refreshed.
    """

    id: UUID
    user_id: UUID
    seed: bytes
    secret_id: str
    counter: int
    rotated_at: datetime
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    impersonation: Impersonation | None = None

    @classmethod
    def started(
        cls,
        *,
        id: UUID,
        user_id: UUID,
        seed: bytes,
        secret_id: str,
        now: datetime,
        lifetime: timedelta,
        origin: Origin,
        impersonation: Impersonation | None = None,
    ) -> "Session":
        return cls(
            id=id,
            user_id=user_id,
            seed=seed,
            secret_id=secret_id,
            counter=1,
            rotated_at=now,
            created_at=now,
            last_used_at=now,
            expires_at=now + lifetime,
            address=origin.address,
            user_agent=kept_user_agent(origin.user_agent),
            impersonation=impersonation,
        )

    def is_over(self, now: datetime) -> bool:
        return now >= self.expires_at

    def judge(self, counter: int, now: datetime, grace: timedelta) -> Refresh:
        """What it means that the refresh token of `counter` is presented at `now`.

        The parent of the current token may come again for a short while: the answer to its first use may have been
        lost, or two tabs used it at once. Anything else that is not current has been stolen (RFC 9700, section 4.14.2).
        """
        if counter == self.counter:
            return Refresh.NEXT
        if counter == self.counter - 1 and now - self.rotated_at <= grace:
            return Refresh.REPEATED
        return Refresh.REUSED

    def rotated(self, now: datetime, origin: Origin) -> "Session":
        """One step on: the current token becomes the parent."""
        return replace(
            self,
            counter=self.counter + 1,
            rotated_at=now,
            last_used_at=now,
            address=origin.address,
            user_agent=kept_user_agent(origin.user_agent),
        )


def kept_user_agent(user_agent: str | None) -> str | None:
    """What is kept of a client's name for itself: printable, and not more than a line."""
    if user_agent is None:
        return None
    return "".join(c if c.isprintable() else "?" for c in user_agent[:LONGEST_USER_AGENT]) or None


class SessionRepository(Protocol):
    """Sessions within a unit of work. One that ended is removed: what is here is alive, or expired and not swept."""

    async def add(self, session: Session) -> None: ...

    async def get(self, session_id: UUID) -> Session | None:
        """The session, locked until the unit of work ends, and its user before it: everybody locks in that order."""
        ...

    async def is_known_place(self, user_id: UUID, address: str | None, user_agent: str | None) -> bool:
        """Whether the user has a session from the same address, with a client that calls itself the same."""
        ...

    async def save(self, session: Session) -> None:
        """Store a rotation; nothing is stored for a session that is gone."""
        ...

    async def remove(self, session_id: UUID) -> bool:
        """Whether it was there."""
        ...

    async def remove_all_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End every session of a user, except perhaps one; how many there were."""
        ...

    async def remove_expired(self, now: datetime) -> int: ...

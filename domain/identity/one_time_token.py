"""What the links in mails carry: a token that is good once, for one purpose, until then."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.identity.email import EmailAddress


class Purpose(Enum):
    VERIFY_EMAIL = "verify-email"
    CHANGE_EMAIL = "change-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 # nosec B105 # a purpose
    INVITATION = "invitation"


LIFETIMES = {
    Purpose.VERIFY_EMAIL: timedelta(days=1),
    Purpose.CHANGE_EMAIL: timedelta(days=1),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.INVITATION: timedelta(days=7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """The token itself is stored nowhere: it is derived from `seed` and the id under a key that is not in the database
    (`secret_id` names it).

    `email` is the address that it was mailed to, and that it proves. `session_id` is where it was asked for, if
    anybody was signed in there.
    """

    id: UUID
    user_id: UUID
    purpose: Purpose
    email: EmailAddress
    seed: bytes
    secret_id: str
    created_at: datetime
    expires_at: datetime
    session_id: UUID | None = None

    def is_over(self, now: datetime) -> bool:
        return now >= self.expires_at


class OneTimeTokens(Protocol):
    """One-time tokens within a unit of work. One that was used, or superseded, is removed."""

    async def put(self, token: OneTimeToken) -> None:
        """In the place of the one that the user has for the same purpose."""
        ...

    async def get(self, token_id: UUID) -> OneTimeToken | None:
        """The token, locked until the unit of work ends, and its user before it."""
        ...

    async def remove_all_of(self, user_id: UUID, purposes: Collection[Purpose] = tuple(Purpose)) -> int:
        """Those of the user for these purposes; how many there were."""
        ...

    async def remove_expired(self, now: datetime) -> int: ...

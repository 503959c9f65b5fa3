"""API keys: what a member's programs sign in with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Invalid
from domain.text import line

LONGEST_NAME = 100
MOST_KEYS = 100
"""That one member may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret: `digest` recognises it, `prefix` (its first characters) tells people which one it is.

    It allows what `permissions` and its owner's own rights have in common at the time of use. `expires_at` None: never.
    `last_used_at` is noted to the minute.

    Raises:
        Invalid: the name is not a line of 1 to 100 characters.
    """

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    digest: bytes
    permissions: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None

    def __post_init__(self) -> None:
        line(self.name, pointer="/name", longest=LONGEST_NAME)

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


def checked_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """Raises Invalid (`bad-expiry`): it is not in the future."""
    if expires_at is not None and expires_at <= now:
        raise Invalid.field("bad-expiry", "/expires_at", "A key expires in the future, or never.")
    return expires_at


class ApiKeyRepository(Protocol):
    """API keys within a unit of work. One that was revoked is removed."""

    async def add(self, key: ApiKey) -> None: ...

    async def count_of(self, user_id: UUID) -> int: ...

    async def exists(self, key_id: UUID) -> bool: ...

    async def remove(self, key_id: UUID) -> bool:
        """Whether it was there."""
        ...

    async def note_use(self, key_id: UUID, at: datetime) -> None: ...

    async def remove_all_of(self, user_id: UUID) -> int:
        """How many there were."""
        ...

    async def remove_expired(self, before: datetime) -> int:
        """Those that ran out before that time; how many there were."""
        ...

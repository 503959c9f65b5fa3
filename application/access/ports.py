"""What access needs from outside: its read side, and the secrets of API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.access.views import ApiKeyView, RoleView
from application.identity.views import UserView, Versioned
from application.paging import Position, Row


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A good API key and its active owner, found in one round trip. `granted` are the permissions of the key, and
    `held` those of the owner."""

    key_id: UUID
    user: Versioned[UserView]
    granted: frozenset[str]
    held: frozenset[str]
    expires_at: datetime | None
    last_used_at: datetime | None


class AccessQueries(Protocol):
    """The read side: views, never aggregates; outside of any unit of work."""

    async def key_holder(self, digest: bytes, now: datetime) -> KeyHolder | None:
        """None where the key was revoked or ran out, or its owner is gone or not active."""
        ...

    async def api_key(self, key_id: UUID) -> ApiKeyView | None: ...

    async def role(self, name: str) -> Versioned[RoleView] | None: ...

    async def roles(self, *, after: Position | None, offset: int, limit: int) -> list[Row[RoleView]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_roles(self) -> int: ...

    async def api_keys(
        self, user_id: UUID | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[ApiKeyView]]:
        """Of one user, or of all (None); newest first, ties by id downwards."""
        ...

    async def count_api_keys(self, user_id: UUID | None) -> int: ...


class KeyMaker(Protocol):
    """API keys as text. They are random and long, so that a plain hash recognises them safely."""

    def new(self) -> str: ...

    def is_one(self, text: str) -> bool:
        """Whether this looks like an API key at all, so that it is not taken for an access token."""
        ...

    def prefix(self, key: str) -> str:
        """What of it may be shown, to tell keys apart."""
        ...

    def digest(self, key: str) -> bytes:
        """What is stored: 32 bytes, always the same ones for the same key."""
        ...

"""The keys that sign access tokens."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair: the public half readable, the private half sealed under the secret that `secret_id` names.

    A retired key signs nothing more; its public half is published until `expires_at`, when the last token that it
    signed has run out.
    """

    kid: str
    algorithm: str
    public_key: bytes
    sealed_private_key: bytes
    secret_id: str
    created_at: datetime
    retired_at: datetime | None = None
    expires_at: datetime | None = None

    def retired(self, now: datetime, overlap: timedelta) -> "SigningKey":
        return replace(self, retired_at=now, expires_at=now + overlap)

    def verifies(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class SigningKeyRepository(Protocol):
    async def add(self, key: SigningKey) -> None: ...

    async def save(self, key: SigningKey) -> None:
        """Store that it was retired."""
        ...

    async def all(self) -> list[SigningKey]:
        """Newest first."""
        ...

    async def remove_expired(self, now: datetime) -> int: ...

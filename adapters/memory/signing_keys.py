"""Signing keys within a unit of work."""

from collections.abc import Iterable
from datetime import datetime

from adapters.memory.database import Changes
from domain.identity.signing_key import SigningKey, SigningKeyRepository


def newest_first(keys: Iterable[SigningKey]) -> list[SigningKey]:
    return sorted(keys, key=lambda key: (key.created_at, key.kid), reverse=True)


class MemorySigningKeys(SigningKeyRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, key: SigningKey) -> None:
        self._changes.signing_keys.add(key.kid, key)

    async def save(self, key: SigningKey) -> None:
        if self._changes.signing_keys.get(key.kid) is not None:
            self._changes.signing_keys.put(key.kid, key)

    async def all(self) -> list[SigningKey]:
        return newest_first(self._changes.signing_keys.values())

    async def remove_expired(self, now: datetime) -> int:
        expired = [key.kid for key in self._changes.signing_keys.values() if not key.verifies(now)]
        for kid in expired:
            self._changes.signing_keys.remove(kid)
        return len(expired)

"""API keys within a unit of work."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes
from domain.access.api_keys import ApiKey, ApiKeyRepository


class MemoryApiKeys(ApiKeyRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, key: ApiKey) -> None:
        if self._changes.users.get(key.user_id) is None:
            raise LookupError(f"There is no user {key.user_id} whose key this could be.")
        if any(other.digest == key.digest for other in self._changes.api_keys.values()):
            raise LookupError("There is a key of this digest already.")
        self._changes.api_keys.add(key.id, key)

    async def count_of(self, user_id: UUID) -> int:
        return sum(key.user_id == user_id for key in self._changes.api_keys.values())

    async def exists(self, key_id: UUID) -> bool:
        return self._changes.api_keys.get(key_id) is not None

    async def remove(self, key_id: UUID) -> bool:
        return self._changes.api_keys.remove(key_id)

    async def remove_all_of(self, user_id: UUID) -> int:
        keys = self._changes.api_keys
        return sum([keys.remove(key.id) for key in keys.values() if key.user_id == user_id])

    async def note_use(self, key_id: UUID, at: datetime) -> None:
        if (key := self._changes.api_keys.get(key_id)) is not None:
            self._changes.api_keys.put(key_id, replace(key, last_used_at=at))

    async def remove_expired(self, before: datetime) -> int:
        return sum([self._changes.api_keys.remove(k.id) for k in self._changes.api_keys.values() if k.is_over(before)])

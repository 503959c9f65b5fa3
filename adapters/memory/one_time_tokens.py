"""One-time tokens within a unit of work."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes
from domain.identity.one_time_token import OneTimeToken, OneTimeTokens, Purpose


class MemoryOneTimeTokens(OneTimeTokens):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def put(self, token: OneTimeToken) -> None:
        if self._changes.users.get(token.user_id) is None:
            raise LookupError(f"There is no user {token.user_id} whose token this could be.")
        await self.remove_all_of(token.user_id, (token.purpose,))
        self._changes.one_time_tokens.add(token.id, token)

    async def get(self, token_id: UUID) -> OneTimeToken | None:
        return self._changes.one_time_tokens.get(token_id)

    async def remove_all_of(self, user_id: UUID, purposes: Collection[Purpose] = tuple(Purpose)) -> int:
        tokens = self._changes.one_time_tokens
        return sum([tokens.remove(t.id) for t in tokens.values() if t.user_id == user_id and t.purpose in purposes])

    async def remove_expired(self, now: datetime) -> int:
        tokens = self._changes.one_time_tokens
        return sum([tokens.remove(token.id) for token in tokens.values() if token.is_over(now)])

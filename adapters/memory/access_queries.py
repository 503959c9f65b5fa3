"""The read side of access: views of what is committed."""

from datetime import datetime
from uuid import UUID

from adapters.memory.database import MemoryDatabase
from adapters.memory.paging import page
from application.access.ports import AccessQueries, KeyHolder
from application.access.views import ApiKeyView, RoleView, shown_role
from application.identity.views import Versioned, shown
from application.paging import Position, Row
from domain.access.api_keys import ApiKey


class MemoryAccessQueries(AccessQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def key_holder(self, digest: bytes, now: datetime) -> KeyHolder | None:
        key = next((key for key in self._database.api_keys.values() if key.digest == digest), None)
        if key is None or key.is_over(now):
            return None
        user = self._database.users[key.user_id]
        if not user.is_active:
            return None
        held = self._database.permissions_of(user)
        return KeyHolder(key.id, shown(user), key.permissions, held, key.expires_at, key.last_used_at)

    async def api_key(self, key_id: UUID) -> ApiKeyView | None:
        key = self._database.api_keys.get(key_id)
        return ApiKeyView.of(key) if key else None

    async def role(self, name: str) -> Versioned[RoleView] | None:
        role = self._database.roles.get(name)
        return shown_role(role) if role else None

    async def roles(self, *, after: Position | None, offset: int, limit: int) -> list[Row[RoleView]]:
        rows = [Row(Position(role.created_at, role.id), RoleView.of(role)) for role in self._database.roles.values()]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_roles(self) -> int:
        return len(self._database.roles)

    async def api_keys(
        self, user_id: UUID | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[ApiKeyView]]:
        rows = [Row(Position(key.created_at, key.id), ApiKeyView.of(key)) for key in self._keys_of(user_id)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_api_keys(self, user_id: UUID | None) -> int:
        return len(self._keys_of(user_id))

    def _keys_of(self, user_id: UUID | None) -> list[ApiKey]:
        return [key for key in self._database.api_keys.values() if user_id is None or key.user_id == user_id]

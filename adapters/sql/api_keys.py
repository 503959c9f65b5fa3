"""API keys within a unit of work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from adapters.sql.patterns import as_text
from adapters.sql.tables import api_keys
from adapters.sql.work import Work
from domain.access.api_keys import ApiKey, ApiKeyRepository

_INSERT = insert(api_keys)
_COUNT_OF = select(func.count()).select_from(api_keys).where(api_keys.c.user_id == bindparam("user_id"))
_EXISTS = select(api_keys.c.id).where(api_keys.c.id == bindparam("key_id"))
_DELETE = delete(api_keys).where(api_keys.c.id == bindparam("key_id"))
_DELETE_ALL_OF = delete(api_keys).where(api_keys.c.user_id == bindparam("user_id"))
_USED = update(api_keys).where(api_keys.c.id == bindparam("key_id"))
_DELETE_EXPIRED = delete(api_keys).where(api_keys.c.expires_at <= bindparam("before"))


class SqlApiKeys(ApiKeyRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, key: ApiKey) -> None:
        await self._work.execute(
            _INSERT,
            {
                "id": key.id,
                "user_id": key.user_id,
                "name": key.name,
                "prefix": key.prefix,
                "digest": key.digest,
                "permissions": as_text(key.permissions),
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
            },
        )

    async def count_of(self, user_id: UUID) -> int:
        return int((await self._work.execute(_COUNT_OF, {"user_id": user_id})).scalar_one())

    async def exists(self, key_id: UUID) -> bool:
        return (await self._work.execute(_EXISTS, {"key_id": key_id})).one_or_none() is not None

    async def remove(self, key_id: UUID) -> bool:
        self._work.changed.add(key_id)
        return (await self._work.execute(_DELETE, {"key_id": key_id})).rowcount > 0

    async def remove_all_of(self, user_id: UUID) -> int:
        self._work.changed.add(user_id)
        return (await self._work.execute(_DELETE_ALL_OF, {"user_id": user_id})).rowcount

    async def note_use(self, key_id: UUID, at: datetime) -> None:
        self._work.changed.add(key_id)
        await self._work.execute(_USED, {"key_id": key_id, "last_used_at": at})

    async def remove_expired(self, before: datetime) -> int:
        return (await self._work.execute(_DELETE_EXPIRED, {"before": before})).rowcount

"""The read side of access: views, straight from rows."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, select

from adapters.sql.paging import paged, place
from adapters.sql.patterns import as_patterns
from adapters.sql.reading import Reader
from adapters.sql.roles import role
from adapters.sql.tables import api_keys, roles, users
from adapters.sql.text import storable
from adapters.sql.user_views import VIEW_WITH_PERMISSIONS, permissions, versioned
from application.access.ports import AccessQueries, KeyHolder
from application.access.views import ApiKeyView, RoleView, shown_role
from application.identity.views import Versioned
from application.paging import Position
from application.paging import Row as Placed

_KEY_HOLDER = (
    VIEW_WITH_PERMISSIONS.add_columns(
        api_keys.c.id.label("key_id"),
        api_keys.c.permissions.label("granted"),
        api_keys.c.expires_at,
        api_keys.c.last_used_at,
    )
    .join(api_keys, api_keys.c.user_id == users.c.id)
    .where(api_keys.c.digest == bindparam("digest"), users.c.is_active)
)
_API_KEY = select(api_keys).where(api_keys.c.id == bindparam("key_id"))
_ROLE = select(roles).where(roles.c.name == bindparam("name"))
_COUNT_ROLES = select(func.count()).select_from(roles)


class SqlAccessQueries(AccessQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def key_holder(self, digest: bytes, now: datetime) -> KeyHolder | None:
        rows = await self._reader.look_up(_KEY_HOLDER, {"digest": digest})
        if not rows or (rows[0].expires_at is not None and rows[0].expires_at <= now):
            return None
        row = rows[0]
        return KeyHolder(
            row.key_id, versioned(row), as_patterns(row.granted), permissions(row), row.expires_at, row.last_used_at
        )

    async def api_key(self, key_id: UUID) -> ApiKeyView | None:
        rows = await self._reader.look_up(_API_KEY, {"key_id": key_id})
        return _key_view(rows[0]) if rows else None

    async def role(self, name: str) -> Versioned[RoleView] | None:
        if not storable(name):
            return None
        rows = await self._reader.search(_ROLE, {"name": name})
        return shown_role(role(rows[0])) if rows else None

    async def roles(self, *, after: Position | None, offset: int, limit: int) -> list[Placed[RoleView]]:
        rows = await self._reader.search(_roles_page(after is not None), place(after, offset, limit))
        return [Placed(Position(row.created_at, row.id), RoleView.of(role(row))) for row in rows]

    async def count_roles(self) -> int:
        return int((await self._reader.search(_COUNT_ROLES, {}))[0][0])

    async def api_keys(
        self, user_id: UUID | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[ApiKeyView]]:
        statement = _keys_page(user_id is not None, after is not None)
        rows = await self._reader.search(statement, {**_owner(user_id), **place(after, offset, limit)})
        return [Placed(Position(row.created_at, row.id), _key_view(row)) for row in rows]

    async def count_api_keys(self, user_id: UUID | None) -> int:
        return int((await self._reader.search(_count_keys(user_id is not None), _owner(user_id)))[0][0])


@lru_cache
def _roles_page(continues: bool) -> Select[Any]:
    return paged(select(roles), roles.c.created_at, roles.c.id, descending=True, continues=continues)


@lru_cache
def _keys_page(of_one: bool, continues: bool) -> Select[Any]:
    return paged(
        _of(select(api_keys), of_one), api_keys.c.created_at, api_keys.c.id, descending=True, continues=continues
    )


@lru_cache
def _count_keys(of_one: bool) -> Select[Any]:
    return _of(select(func.count()).select_from(api_keys), of_one)


def _of(statement: Select[Any], one: bool) -> Select[Any]:
    return statement.where(api_keys.c.user_id == bindparam("user_id")) if one else statement


def _owner(user_id: UUID | None) -> dict[str, object]:
    return {} if user_id is None else {"user_id": user_id}


def _key_view(row: Row[Any]) -> ApiKeyView:
    return ApiKeyView(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        permissions=tuple(sorted(as_patterns(row.permissions))),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )

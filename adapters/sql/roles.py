"""Roles within a unit of work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from adapters.sql.patterns import as_patterns, as_text
from adapters.sql.tables import roles, user_roles, users
from adapters.sql.text import storable
from adapters.sql.work import Work
from application.remembering import ROLES
from domain.access.roles import Role, RoleRepository
from domain.errors import Conflict

_INSERT = insert(roles)
_LOCK = select(roles).where(roles.c.name == bindparam("name")).with_for_update()
_ALL = select(roles).order_by(roles.c.name)
_UPDATE = update(roles).where(roles.c.id == bindparam("role_id"), roles.c.version == bindparam("read_version"))
_DELETE = delete(roles).where(roles.c.name == bindparam("name"))
_CHANGE_HOLDERS = (
    update(users)
    .where(users.c.id.in_(select(user_roles.c.user_id).where(user_roles.c.role == bindparam("name"))))
    .values(version=users.c.version + 1, updated_at=bindparam("now"))
)
_TAKE_FROM_ALL = delete(user_roles).where(user_roles.c.role == bindparam("name"))


class SqlRoles(RoleRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, role: Role) -> None:
        self._work.changed.add(ROLES)
        await self._work.execute(_INSERT, _columns(role))

    async def get(self, name: str) -> Role | None:
        if not storable(name):
            return None
        row = (await self._work.execute(_LOCK, {"name": name})).one_or_none()
        return role(row) if row else None

    async def all(self) -> Sequence[Role]:
        return [role(row) for row in await self._work.execute(_ALL)]

    async def save(self, role: Role) -> Role:
        saved = replace(role, version=role.version + 1)
        self._work.changed.add(ROLES)
        result = await self._work.execute(
            _UPDATE, {"role_id": role.id, "read_version": role.version, **_columns(saved)}
        )
        if result.rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The role was changed meanwhile; read it again."))
        return saved

    async def remove(self, name: str, now: datetime) -> int:
        if not storable(name):
            return 0
        self._work.changed.add(ROLES)
        holders = await self._work.execute(_CHANGE_HOLDERS, {"name": name, "now": now})
        await self._work.execute(_TAKE_FROM_ALL, {"name": name})
        await self._work.execute(_DELETE, {"name": name})
        return holders.rowcount


def role(row: Row[Any]) -> Role:
    return Role(
        id=row.id,
        name=row.name,
        description=row.description,
        permissions=as_patterns(row.permissions),
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _columns(role: Role) -> dict[str, object]:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "permissions": as_text(role.permissions),
        "created_at": role.created_at,
        "updated_at": role.updated_at,
        "version": role.version,
    }

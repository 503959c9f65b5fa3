"""Roles within a unit of work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.database import Changes
from domain.access.roles import Role, RoleRepository
from domain.errors import Conflict


class MemoryRoles(RoleRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, role: Role) -> None:
        if self._changes.roles.get(role.name) is not None:
            raise self._changes.spoil(Conflict("role-taken", "There is a role of this name already."))
        if any(other.id == role.id for other in self._changes.roles.values()):
            raise LookupError(f"{role.id} is there already.")
        self._changes.roles.add(role.name, role)

    async def get(self, name: str) -> Role | None:
        return self._changes.roles.get(name)

    async def all(self) -> Sequence[Role]:
        return sorted(self._changes.roles.values(), key=lambda role: role.name)

    async def save(self, role: Role) -> Role:
        stored = self._changes.roles.get(role.name)
        if stored is None or (stored.id, stored.version) != (role.id, role.version):
            raise self._changes.spoil(Conflict("changed-meanwhile", "The role was changed meanwhile; read it again."))
        saved = replace(role, version=role.version + 1)
        self._changes.roles.put(role.name, saved)
        return saved

    async def remove(self, name: str, now: datetime) -> int:
        self._changes.roles.remove(name)
        holders = [user for user in self._changes.users.values() if name in user.roles]
        for user in holders:
            without = replace(user, roles=user.roles - {name}, updated_at=now, version=user.version + 1)
            self._changes.users.put(user.id, without)
        return len(holders)

"""Roles, which administrators make and change while the service runs. What is changed counts for the next request.

Nobody makes, changes or deletes a role that allows more than they may do themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from application.access.permissions import PermissionCatalogue
from application.access.ports import AccessQueries
from application.access.reach import admitted
from application.access.views import RoleView, shown_role
from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import only_these
from application.identity.views import Versioned
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require, require_reach
from domain.access.roles import Role
from domain.audit.entry import added, changed_fields, taken
from domain.errors import Conflict, NotFound

READ = Permission("roles:read", "See the roles and what they allow.")
CREATE = Permission("roles:create", "Make roles, of permissions that one holds oneself.")
UPDATE = Permission("roles:update", "Change what a role allows, within what one may oneself.")
DELETE = Permission("roles:delete", "Delete roles that allow nothing which one may not do oneself.")

CHANGEABLE = frozenset({"description"})
NEWEST_FIRST = Sort("created_at", descending=True)


@dataclass(frozen=True)
class ListRoles:
    """Newest first."""

    rule: ClassVar[Rule] = holder(READ)

    queries: AccessQueries

    async def __call__(self, actor: Actor, *, page: PageRequest = PageRequest()) -> Page[RoleView]:
        require(actor, self.rule)
        return await read_page(page, NEWEST_FIRST, self.queries.roles, self.queries.count_roles)


@dataclass(frozen=True)
class ShowRole:
    rule: ClassVar[Rule] = holder(READ)

    queries: AccessQueries

    async def __call__(self, actor: Actor, *, name: str) -> Versioned[RoleView]:
        """Raises NotFound (`role-not-found`)."""
        require(actor, self.rule)
        found = await self.queries.role(name)
        if found is None:
            raise _no_such_role()
        return found


@dataclass(frozen=True)
class CreateRole:
    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    catalogue: PermissionCatalogue
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        name: str,
        permissions: Iterable[str],
        description: str | None = None,
        once: Once[Versioned[RoleView]] | None = None,
    ) -> Versioned[RoleView]:
        """Raises Invalid for the fields (`unknown-permission`, `bad-role-name`), Denied (`beyond-your-rights`),
        Conflict (`role-taken`: names differ by more than case)."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        wanted = self.catalogue.known(permissions)
        now = self.clock.now()
        role = Role(
            id=self.ids.new(), name=name, description=description, permissions=wanted, created_at=now, updated_at=now
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, shown_role(role))
            require_reach(await admitted(uow, actor, self.rule), wanted)
            if any(other.name.lower() == name.lower() for other in await uow.roles.all()):
                raise Conflict("role-taken", "There is a role of this name already.")
            await uow.roles.add(role)
            await self.trail.record(uow, actor, "role.created", subject=name, fields=added(wanted))
        return shown_role(role)


@dataclass(frozen=True)
class UpdateRole:
    """Change the fields that are given, and no others: `permissions`, and `description`, which None clears."""

    rule: ClassVar[Rule] = holder(UPDATE)

    transactions: Transactions
    catalogue: PermissionCatalogue
    trail: Trail
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        name: str,
        expected: Expected = None,
        permissions: Iterable[str] | None = None,
        **changes: str | None,
    ) -> Versioned[RoleView]:
        """Raises NotFound (`role-not-found`), Invalid for the fields (`unknown-permission`), Denied
        (`beyond-your-rights`), Stale, Conflict (`built-in-role`: admin allows everything, for good)."""
        require(actor, self.rule)
        only_these(changes, CHANGEABLE)
        fields: dict[str, object] = {**changes}
        if permissions is not None:
            fields["permissions"] = self.catalogue.known(permissions)
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule)
            role = await _loaded(uow, name, expected)
            changed = role.changed(self.clock.now(), **fields)
            if changed is role:
                return shown_role(role)
            require_reach(actor, role.permissions | changed.permissions)
            await self.trail.record(uow, actor, "role.updated", subject=name, fields=changed_fields(role, changed))
            return shown_role(await uow.roles.save(changed))


@dataclass(frozen=True)
class DeleteRole:
    """Whoever has the role loses it. Built-in ones stay."""

    rule: ClassVar[Rule] = holder(DELETE)

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor, *, name: str, expected: Expected = None) -> int:
        """How many had it. Raises NotFound (`role-not-found`), Denied (`beyond-your-rights`), Stale, Conflict
        (`built-in-role`)."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule)
            role = await _loaded(uow, name, expected)
            if role.is_built_in:
                raise Conflict("built-in-role", f"The role {name} is built in and cannot be deleted.")
            require_reach(actor, role.permissions)
            holders = await uow.roles.remove(name, self.clock.now())
            await self.trail.record(uow, actor, "role.deleted", subject=name, fields=taken(role.permissions))
        return holders


async def _loaded(uow: UnitOfWork, name: str, expected: Expected) -> Role:
    role = await uow.roles.get(name)
    if role is None:
        raise _no_such_role()
    require_version(role.version, expected)
    return role


def _no_such_role() -> NotFound:
    return NotFound("role-not-found", "There is no such role.")

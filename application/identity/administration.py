"""What administrators do to members' accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from application.identity.accounts import (
    ADMINISTRATORS,
    Expected,
    NewAccounts,
    an_administrator_stays,
    loaded,
    only_these,
)
from application.identity.ports import EmailSyntax
from application.identity.views import UserView, Versioned, shown
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import require
from domain.access.roles import ADMIN, MEMBER, known_roles
from domain.errors import Conflict
from domain.identity.user import User

CREATE = "users:create"
UPDATE = "users:update"
DELETE = "users:delete"
SET_ROLES = "users:set-roles"

ADMINISTERED_FIELDS = frozenset({"email", "username", "first_name", "last_name", "is_active", "is_verified"})


@dataclass(frozen=True)
class CreateUser:
    """An account for somebody else. Without a password nobody can sign in to it yet. Giving roles needs
    `users:set-roles` too."""

    transactions: Transactions
    accounts: NewAccounts
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        email: str,
        password: str | None = None,
        username: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        is_active: bool = True,
        is_verified: bool = False,
        roles: Iterable[str] | None = None,
    ) -> Versioned[UserView]:
        """Raises Invalid for the fields, and Conflict (`email-taken`, `username-taken`)."""
        require(actor, CREATE)
        if roles is not None:
            require(actor, SET_ROLES)
        user = await self.accounts.make(
            id=self.ids.new(),
            now=self.clock.now(),
            email=email,
            password=password,
            username=username,
            first_name=first_name,
            last_name=last_name,
            is_active=is_active,
            is_verified=is_verified,
            roles=known_roles(roles) if roles is not None else frozenset({MEMBER}),
        )
        async with self.transactions.begin() as uow:
            await uow.users.add(user)
        return shown(user)


@dataclass(frozen=True)
class CreateFirstAdmin:
    """The first administrator, where there is none yet; of two at once one is made. The operator's right alone."""

    transactions: Transactions
    accounts: NewAccounts
    clock: Clock
    ids: Ids

    async def __call__(
        self, actor: Actor, *, email: str, password: str, username: str | None = None
    ) -> Versioned[UserView]:
        """Raises Conflict (`admin-exists`, `email-taken`, `username-taken`)."""
        require(actor, SET_ROLES)
        user = await self.accounts.make(
            id=self.ids.new(),
            now=self.clock.now(),
            email=email,
            password=password,
            username=username,
            first_name=None,
            last_name=None,
            is_verified=True,
            roles=frozenset({ADMIN, MEMBER}),
        )
        async with self.transactions.begin() as uow:
            await uow.serialise(ADMINISTRATORS)
            if await uow.users.another_admin_exists(None):
                raise Conflict("admin-exists", "There is an administrator already, who can make others.")
            await uow.users.add(user)
        return shown(user)


@dataclass(frozen=True)
class UpdateUser:
    """Change the fields that are given, and no others. Who is deactivated, or gets another e-mail address, is signed
    out everywhere; a new address is unverified unless it is said to be verified."""

    transactions: Transactions
    emails: EmailSyntax
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID, expected: Expected = None, **changes: str | bool | None
    ) -> Versioned[UserView]:
        """Raises NotFound, Invalid, Stale, Conflict (`email-taken`, `username-taken`, `last-admin`)."""
        require(actor, UPDATE)
        only_these(changes, ADMINISTERED_FIELDS)
        async with self.transactions.begin() as uow:
            await uow.serialise(ADMINISTRATORS)
            user = await loaded(uow, user_id, expected=expected)
            changed = self._changed(user, changes)
            if changed is user:
                return shown(user)
            if not changed.is_active:
                await an_administrator_stays(uow, user)
            if not changed.is_active or changed.email.key != user.email.key:
                await uow.sessions.remove_all_of(user_id)
            return shown(await uow.users.save(changed))

    def _changed(self, user: User, changes: dict[str, str | bool | None]) -> User:
        fields: dict[str, object] = dict(changes)
        if "email" in changes:
            address = self.emails.parse(str(changes["email"]))
            fields["email"] = address
            if address.key != user.email.key:
                fields.setdefault("is_verified", False)
        return user.changed(self.clock.now(), **fields)


@dataclass(frozen=True)
class SetRoles:
    """The user has exactly these roles from now on."""

    transactions: Transactions
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID, roles: Iterable[str], expected: Expected = None
    ) -> Versioned[UserView]:
        """Raises NotFound, Invalid (`unknown-role`), Stale, Conflict (`last-admin`)."""
        require(actor, SET_ROLES)
        wanted = known_roles(roles)
        async with self.transactions.begin() as uow:
            await uow.serialise(ADMINISTRATORS)
            user = await loaded(uow, user_id, expected=expected)
            if ADMIN not in wanted:
                await an_administrator_stays(uow, user)
            changed = user.changed(self.clock.now(), roles=wanted)
            if changed is not user:
                user = await uow.users.save(changed)
        return shown(user)


@dataclass(frozen=True)
class DeleteUser:
    transactions: Transactions

    async def __call__(self, actor: Actor, *, user_id: UUID, expected: Expected = None) -> None:
        """Raises NotFound, Stale, Conflict (`last-admin`)."""
        require(actor, DELETE)
        async with self.transactions.begin() as uow:
            await uow.serialise(ADMINISTRATORS)
            user = await loaded(uow, user_id, expected=expected)
            await an_administrator_stays(uow, user)
            await uow.users.remove(user_id)

"""What administrators do to members' accounts."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.access.reach import admitted, require_reach_over
from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import NewAccounts, an_administrator_stays, loaded, only_these
from application.identity.erasure import Erasure
from application.identity.links import Links
from application.identity.ports import EmailSyntax
from application.identity.verification import start_verification
from application.identity.views import UserView, Versioned, shown
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import ACCESS, Transactions, UnitOfWork
from application.versions import Expected
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import OPERATOR, Rule, holder, require, require_reach
from domain.access.roles import ADMIN, MEMBER, permissions_of, unknown_role
from domain.audit.entry import added, changed_fields
from domain.errors import Conflict, Denied
from domain.identity.events import (
    EmailChanged,
    UserCreated,
    UserDeactivated,
    UserReactivated,
    UserRolesChanged,
    UserUpdated,
)
from domain.identity.user import User

CREATE = Permission("users:create", "Make accounts for others.")
UPDATE = Permission("users:update", "Change, deactivate and reactivate members' accounts.")
DELETE = Permission("users:delete", "Delete members' accounts and all they have.")
SET_ROLES = Permission("users:set-roles", "Give and take roles that allow no more than one may oneself.")

ADMINISTERED_FIELDS = frozenset({"email", "username", "first_name", "last_name", "is_active", "is_verified"})


@dataclass(frozen=True)
class CreateUser:
    """An account for somebody else. Without a password nobody can sign in to it yet. Giving roles needs
    `users:set-roles` too."""

    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    idempotency: Idempotency
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
        once: Once[Versioned[UserView]] | None = None,
    ) -> Versioned[UserView]:
        """Raises Invalid for the fields (`bad-email`, `bad-username`, `password-refused`, `unknown-role`), Denied
        (`beyond-your-rights`), Unavailable (`busy`), and Conflict (`email-taken`,
        `username-taken`)."""
        require(actor, self.rule)
        if roles is not None:
            require(actor, SetRoles.rule)
        await self.idempotency.check(actor, once)
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
            roles=frozenset({MEMBER} if roles is None else roles),
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, shown(user))
            actor = await admitted(uow, actor, self.rule)
            if roles is not None:
                require(actor, SetRoles.rule)
                await require_reach_of_roles(uow, actor, user.roles, gift={MEMBER})
            await uow.users.add(user)
            await self.trail.record(uow, actor, "user.created", subject=user.id, fields=added(user.roles))
            await self.outbox.emit(uow, actor, UserCreated(user.id))
        return shown(user)


@dataclass(frozen=True)
class CreateFirstAdmin:
    """The first administrator, where there is none yet; of two at once one is made. The operator's right alone."""

    rule: ClassVar[Rule] = OPERATOR

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    accounts: NewAccounts
    clock: Clock
    ids: Ids

    async def __call__(
        self, actor: Actor, *, email: str, password: str, username: str | None = None
    ) -> Versioned[UserView]:
        """Raises Conflict (`admin-exists`, `email-taken`, `username-taken`)."""
        require(actor, self.rule)
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
            await uow.serialise(ACCESS)
            if await uow.users.another_admin_exists(None):
                raise Conflict("admin-exists", "There is an administrator already, who can make others.")
            await uow.users.add(user)
            await self.trail.record(uow, actor, "user.created", subject=user.id, fields=added(user.roles))
            await self.outbox.emit(uow, actor, UserCreated(user.id))
        return shown(user)


@dataclass(frozen=True)
class UpdateUser:
    """Change the fields that are given, and no others. Who is deactivated, or gets another e-mail address, is signed
    out everywhere; a new address is unverified unless it is said to be verified."""

    rule: ClassVar[Rule] = holder(UPDATE, own_in_person=True)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    emails: EmailSyntax
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID, expected: Expected = None, **changes: str | bool | None
    ) -> Versioned[UserView]:
        """Raises NotFound (`user-not-found`), Invalid for the fields (`bad-email`, `bad-username`), Denied
        (`beyond-your-rights`, `not-for-yourself`), Stale, Conflict (`email-taken`, `username-taken`, `last-admin`)."""
        require(actor, self.rule, owner=user_id)
        only_these(changes, ADMINISTERED_FIELDS)
        if "email" in changes and user_id == actor.user_id:
            raise Denied("not-for-yourself", "Your own address is changed with your password: POST /users/me/email.")
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule, owner=user_id)
            user = await loaded(uow, user_id, expected=expected)
            await require_reach_over(uow, actor, user)
            changed = self._changed(user, changes)
            if changed is user:
                return shown(user)
            if not changed.is_active:
                await an_administrator_stays(uow, user)
            moved = changed.email.key != user.email.key
            if not changed.is_active or moved:
                await uow.sessions.remove_all_of(user_id)
                await uow.one_time_tokens.remove_all_of(user_id)
            if moved and user.password_hash is not None:  # else nobody has come yet who could be told
                await self.outbox.emit(uow, actor, EmailChanged(user_id, user.email.typed, changed.email.typed))
                if changed.is_active and not changed.is_verified:
                    await start_verification(uow, self.links, self.outbox, actor, changed)
            await self.trail.record(uow, actor, "user.updated", subject=user_id, fields=changed_fields(user, changed))
            await self._tell(uow, actor, user, changed)
            return shown(await uow.users.save(changed))

    async def _tell(self, uow: UnitOfWork, actor: Actor, user: User, changed: User) -> None:
        if set(changed_fields(user, changed)) - {"+is_active", "-is_active"}:
            await self.outbox.emit(uow, actor, UserUpdated(user.id))
        if user.is_active != changed.is_active:
            event = UserReactivated(user.id) if changed.is_active else UserDeactivated(user.id)
            await self.outbox.emit(uow, actor, event)

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

    rule: ClassVar[Rule] = holder(SET_ROLES, own_in_person=True)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID, roles: Iterable[str], expected: Expected = None
    ) -> Versioned[UserView]:
        """Raises NotFound (`user-not-found`), Invalid (`unknown-role`), Denied (`beyond-your-rights`), Stale, Conflict
        (`last-admin`)."""
        require(actor, self.rule, owner=user_id)
        wanted = frozenset(roles)
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule, owner=user_id)
            user = await loaded(uow, user_id, expected=expected)
            await require_reach_over(uow, actor, user)
            await require_reach_of_roles(uow, actor, wanted - user.roles, taken=user.roles - wanted)
            if ADMIN not in wanted:
                await an_administrator_stays(uow, user)
            changed = user.changed(self.clock.now(), roles=wanted)
            if changed is not user:
                await self.trail.record(
                    uow, actor, "user.roles-set", subject=user_id, fields=changed_fields(user, changed)
                )
                await self.outbox.emit(uow, actor, UserRolesChanged(user_id))
                user = await uow.users.save(changed)
        return shown(user)


@dataclass(frozen=True)
class DeleteUser:
    rule: ClassVar[Rule] = holder(DELETE, own_in_person=True)

    transactions: Transactions
    trail: Trail
    erasure: Erasure

    async def __call__(self, actor: Actor, *, user_id: UUID, expected: Expected = None) -> None:
        """Raises NotFound (`user-not-found`), Denied (`beyond-your-rights`), Stale, Conflict (`last-admin`)."""
        require(actor, self.rule, owner=user_id)
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule, owner=user_id)
            user = await loaded(uow, user_id, expected=expected)
            await require_reach_over(uow, actor, user)
            await self.erasure.erase(uow, actor, user)
            await self.trail.record(uow, actor, "user.deleted", subject=user_id)


async def require_reach_of_roles(
    uow: UnitOfWork, actor: Actor, given: Set[str], *, taken: Set[str] = frozenset(), gift: Set[str] = frozenset()
) -> None:
    """Nobody gives or takes what they do not hold, except for what everybody gets (`gift`).

    Raises:
        Invalid: `unknown-role`.
        Denied: `beyond-your-rights`.
    """
    roles = {role.name: role for role in await uow.roles.all()}
    if unknown := given - roles.keys():
        raise unknown_role(unknown)
    moved = (given | taken) - gift
    require_reach(actor, permissions_of(role for name, role in roles.items() if name in moved))

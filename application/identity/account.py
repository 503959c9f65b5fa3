"""What members do to their own account."""

from dataclasses import dataclass
from typing import ClassVar

from application.audit.trail import Trail
from application.identity.accounts import Passwords, loaded, only_these
from application.identity.attempts import PasswordAttempts
from application.identity.erasure import Erasure
from application.identity.ports import PasswordHasher
from application.identity.views import UserView, Versioned, shown
from application.outbox import Outbox
from application.ports import Clock
from application.unit_of_work import ACCESS, Transactions
from application.versions import Expected
from domain.access.actor import Actor
from domain.access.policy import OWNER_IN_PERSON, OWNER_JUST_SIGNED_IN, Rule, require_own
from domain.audit.entry import changed_fields
from domain.errors import Conflict, Invalid
from domain.identity.events import PasswordChanged, UserUpdated
from domain.identity.one_time_token import Purpose

OWN_FIELDS = frozenset({"username", "first_name", "last_name"})


@dataclass(frozen=True)
class ChangeMe:
    """Change the fields that are given, and no others: `username`, `first_name`, `last_name`; None clears one."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(self, actor: Actor, *, expected: Expected = None, **changes: str | None) -> Versioned[UserView]:
        """Raises Invalid for the fields (`bad-username`), Conflict (`username-taken`), Stale."""
        user_id = require_own(actor, self.rule)
        only_these(changes, OWN_FIELDS)
        async with self.transactions.begin() as uow:
            user = await loaded(uow, user_id, expected=expected)
            changed = user.changed(self.clock.now(), **changes)
            if changed is not user:
                await self.trail.record(
                    uow, actor, "user.updated", subject=user_id, fields=changed_fields(user, changed)
                )
                await self.outbox.emit(uow, actor, UserUpdated(user_id))
                user = await uow.users.save(changed)
        return shown(user)


@dataclass(frozen=True)
class DeleteMe:
    """Everything goes, but for orders, which lose their name. Needs a sign-in of the last 15 minutes."""

    rule: ClassVar[Rule] = OWNER_JUST_SIGNED_IN

    transactions: Transactions
    trail: Trail
    erasure: Erasure
    clock: Clock

    async def __call__(self, actor: Actor, *, expected: Expected = None) -> None:
        """Raises Denied (`sign-in-again`), Conflict (`last-admin`), Stale."""
        user_id = require_own(actor, self.rule, now=self.clock.now())
        async with self.transactions.begin() as uow:
            await uow.serialise(ACCESS)
            user = await loaded(uow, user_id, expected=expected)
            await self.erasure.erase(uow, actor, user)
            await self.trail.record(uow, actor, "user.deleted", subject=user_id)


@dataclass(frozen=True)
class ChangePassword:
    """A new password for who knows the old one. Every other session ends, and so does every link that was mailed to
    choose one, or another address."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    passwords: Passwords
    hasher: PasswordHasher
    attempts: PasswordAttempts
    clock: Clock

    async def __call__(
        self, actor: Actor, *, current_password: str, new_password: str, expected: Expected = None
    ) -> None:
        """Raises Invalid (`wrong-password`, `password-refused`), Stale, Conflict (`changed-meanwhile`), Unavailable
        (`busy`), Throttled (`too-many-attempts`)."""
        user_id = require_own(actor, self.rule)
        async with self.transactions.begin() as uow:
            user = await loaded(uow, user_id, expected=expected)
        async with self.attempts.at_confirmation(user_id) as attempt:
            attempt.right = (await self.hasher.verify(current_password, user.password_hash)).right
        if not attempt.right:
            raise Invalid.field("wrong-password", "/current_password", "This is not your current password.")
        new_hash = await self.passwords.accept(new_password, user, pointer="/new_password")
        async with self.transactions.begin() as uow:
            now_stored = await loaded(uow, user_id, expected=expected)
            if now_stored.password_hash != user.password_hash:
                raise Conflict("changed-meanwhile", "The password was changed meanwhile; try again.")
            await uow.users.save(now_stored.changed(self.clock.now(), password_hash=new_hash))
            await uow.sessions.remove_all_of(user_id, but=actor.session_id)
            await uow.one_time_tokens.remove_all_of(user_id, (Purpose.RESET_PASSWORD, Purpose.CHANGE_EMAIL))
            await self.outbox.emit(uow, actor, PasswordChanged(user_id))
            await self.trail.record(uow, actor, "user.updated", subject=user_id, fields=["password"])

"""Getting back in without the password."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.access.reach import admitted, require_reach_over
from application.audit.trail import Trail
from application.identity.accounts import Passwords, loaded
from application.identity.links import Links
from application.identity.ports import EmailSyntax
from application.limits import Quotas
from application.outbox import Outbox
from application.ports import Clock
from application.unit_of_work import Transactions, UnitOfWork
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, Rule, holder, require
from domain.audit.entry import changed_fields
from domain.errors import Conflict
from domain.identity.events import EmailVerified, PasswordChanged, PasswordResetRequested, PasswordResetStarted
from domain.identity.one_time_token import Purpose
from domain.identity.user import User

SEND_RESET = Permission("users:send-password-reset", "Have a link mailed to members to choose a new password.")


@dataclass(frozen=True)
class ForgotPassword:
    """Ask for a link to choose a new password. What happens then is the same whatever is true of the address. If it is
    that of an active account, a link is mailed to it."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    emails: EmailSyntax
    outbox: Outbox
    quotas: Quotas

    async def __call__(self, actor: Actor, *, email: str) -> None:
        """Raises Invalid (`bad-email`), Throttled (`too-many-mails`)."""
        address = self.emails.parse(email)
        await self.quotas.mail(actor, Purpose.RESET_PASSWORD, address.key)
        async with self.transactions.begin() as uow:
            await self.outbox.emit(uow, actor, PasswordResetRequested(address.key))


@dataclass(frozen=True)
class ResetPassword:
    """A new password for who has the link, which shows that the address is theirs. Every session ends, and every API
    key."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    passwords: Passwords
    clock: Clock

    async def __call__(self, actor: Actor, *, token: str, password: str) -> None:
        """Raises Invalid (`bad-link`, `password-refused`), Unavailable (`busy`)."""
        async with self.transactions.begin() as uow:
            _, user = await self.links.good(uow, token, Purpose.RESET_PASSWORD)
        password_hash = await self.passwords.accept(password, user)
        async with self.transactions.begin() as uow:
            _, user = await self.links.good(uow, token, Purpose.RESET_PASSWORD)
            owner = actor.proved_to_be(user.id)
            await uow.one_time_tokens.remove_all_of(user.id)
            await uow.sessions.remove_all_of(user.id)
            await uow.api_keys.remove_all_of(user.id)  # whoever had the account meanwhile keeps no way in
            changed = user.changed(self.clock.now(), password_hash=password_hash, is_verified=True)
            await uow.users.save(changed)
            await self.trail.record(uow, owner, "user.updated", subject=user.id, fields=changed_fields(user, changed))
            await self.outbox.emit(uow, owner, PasswordChanged(user.id))
            if not user.is_verified:
                await self.outbox.emit(uow, owner, EmailVerified(user.id))


@dataclass(frozen=True)
class SendPasswordReset:
    """Have a link to choose a new password mailed to a member. The old one stays good until it was used."""

    rule: ClassVar[Rule] = holder(SEND_RESET, own_in_person=True)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    quotas: Quotas

    async def __call__(self, actor: Actor, *, user_id: UUID) -> None:
        """Raises NotFound (`user-not-found`), Denied (`beyond-your-rights`), Conflict (`account-disabled`), Throttled
        (`too-many-mails`)."""
        require(actor, self.rule, owner=user_id)
        async with self.transactions.begin() as uow:
            _, user = await self._in_reach(uow, actor, user_id)
        await self.quotas.mail(actor, Purpose.RESET_PASSWORD, user.email.key)
        async with self.transactions.begin() as uow:
            actor, user = await self._in_reach(uow, actor, user_id)
            await start_reset(uow, self.links, self.outbox, actor, user)
            await self.trail.record(uow, actor, "password-reset.requested", subject=user_id)

    async def _in_reach(self, uow: UnitOfWork, actor: Actor, user_id: UUID) -> tuple[Actor, User]:
        """Asked twice: before a mail is counted, which is not done while rows are locked, and when it is sent."""
        actor = await admitted(uow, actor, self.rule, owner=user_id)
        user = await loaded(uow, user_id)
        await require_reach_over(uow, actor, user)
        if not user.is_active:
            raise Conflict("account-disabled", "This account is disabled; reactivate it first.")
        return actor, user


async def start_reset(uow: UnitOfWork, links: Links, outbox: Outbox, actor: Actor, user: User) -> None:
    """Have a link mailed to the address that the user has."""
    token = await links.issue(uow, user, Purpose.RESET_PASSWORD)
    await outbox.emit(uow, actor, PasswordResetStarted(user.id, token.id))

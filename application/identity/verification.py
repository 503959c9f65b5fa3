"""Showing that an address is one's own: the first one, and a new one."""

from dataclasses import dataclass
from typing import ClassVar

from application.access.reach import require_still_signed_in
from application.audit.trail import Trail
from application.identity.accounts import loaded
from application.identity.attempts import PasswordAttempts
from application.identity.links import Links
from application.identity.ports import EmailSyntax, PasswordHasher
from application.limits import Quotas
from application.outbox import Outbox
from application.ports import Clock
from application.unit_of_work import Transactions, UnitOfWork
from domain.access.actor import Actor
from domain.access.policy import ANYBODY, OWNER_IN_PERSON, Rule, require_own
from domain.errors import Conflict, Invalid
from domain.identity.events import (
    EmailChanged,
    EmailChangeStarted,
    EmailVerified,
    UserUpdated,
    VerificationRequested,
    VerificationStarted,
)
from domain.identity.one_time_token import OneTimeToken, Purpose
from domain.identity.user import User


@dataclass(frozen=True)
class RequestVerification:
    """Ask for a new link. What happens then is the same whatever is true of the address: to tell costs nothing, and
    takes no time. If it is that of an active account, and not verified yet, a link is mailed to it."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    emails: EmailSyntax
    outbox: Outbox
    quotas: Quotas

    async def __call__(self, actor: Actor, *, email: str) -> None:
        """Raises Invalid (`bad-email`), Throttled (`too-many-mails`)."""
        address = self.emails.parse(email)
        await self.quotas.mail(actor, Purpose.VERIFY_EMAIL, address.key)
        async with self.transactions.begin() as uow:
            await self.outbox.emit(uow, actor, VerificationRequested(address.key))


@dataclass(frozen=True)
class VerifyEmail:
    """Whoever has the link has the address: it is verified, or becomes that of the account."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    clock: Clock

    async def __call__(self, actor: Actor, *, token: str) -> None:
        """Raises Invalid (`bad-link`), Conflict (`email-taken`)."""
        async with self.transactions.begin() as uow:
            found, user = await self.links.good(uow, token, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)
            owner = actor.proved_to_be(user.id)
            if found.purpose is Purpose.VERIFY_EMAIL:
                await self._verify(uow, owner, user)
            else:
                await self._change(uow, owner, user, found)

    async def _verify(self, uow: UnitOfWork, actor: Actor, user: User) -> None:
        await uow.one_time_tokens.remove_all_of(user.id, (Purpose.VERIFY_EMAIL,))
        if user.is_verified:
            return
        await uow.users.save(user.changed(self.clock.now(), is_verified=True))
        await self.trail.record(uow, actor, "user.updated", subject=user.id, fields=["+is_verified"])
        await self.outbox.emit(uow, actor, EmailVerified(user.id))

    async def _change(self, uow: UnitOfWork, actor: Actor, user: User, token: OneTimeToken) -> None:
        """Whoever had the old address, or a session elsewhere, is out (OWASP ASVS 5.0, 7.4.3)."""
        await uow.one_time_tokens.remove_all_of(user.id)
        await uow.sessions.remove_all_of(user.id, but=token.session_id)
        await uow.users.save(user.changed(self.clock.now(), email=token.email, is_verified=True))
        await self.trail.record(uow, actor, "user.updated", subject=user.id, fields=["email", "+is_verified"])
        await self.outbox.emit(uow, actor, EmailChanged(user.id, user.email.typed, token.email.typed))
        await self.outbox.emit(uow, actor, UserUpdated(user.id))


@dataclass(frozen=True)
class ChangeEmail:
    """Ask for another address. It counts once the link that is mailed to it was followed; whether an account has it
    already is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    emails: EmailSyntax
    hasher: PasswordHasher
    attempts: PasswordAttempts
    quotas: Quotas

    async def __call__(self, actor: Actor, *, email: str, password: str) -> None:
        """Raises Invalid (`bad-email`, `wrong-password`), Conflict (`changed-meanwhile`), Unavailable (`busy`),
        Throttled (`too-many-attempts`, `too-many-mails`)."""
        user_id = require_own(actor, self.rule)
        address = self.emails.parse(email)
        async with self.transactions.begin() as uow:
            user = await loaded(uow, user_id)
        async with self.attempts.at_confirmation(user_id) as attempt:
            attempt.right = (await self.hasher.verify(password, user.password_hash)).right
        if not attempt.right:
            raise Invalid.field("wrong-password", "/password", "This is not your password.")
        await self.quotas.mail(actor, Purpose.CHANGE_EMAIL, address.key)
        async with self.transactions.begin() as uow:
            if (await loaded(uow, user_id)).password_hash != user.password_hash:
                raise Conflict("changed-meanwhile", "The password was changed meanwhile; try again.")
            await require_still_signed_in(uow, actor)
            token = await self.links.issue(uow, user, Purpose.CHANGE_EMAIL, email=address, session_id=actor.session_id)
            await self.trail.record(uow, actor, "email-change.requested", subject=user_id)
            await self.outbox.emit(uow, actor, EmailChangeStarted(user_id, token.id))


async def start_verification(uow: UnitOfWork, links: Links, outbox: Outbox, actor: Actor, user: User) -> None:
    """Have a link mailed to the address that the user has."""
    token = await links.issue(uow, user, Purpose.VERIFY_EMAIL)
    await outbox.emit(uow, actor, VerificationStarted(user.id, token.id))

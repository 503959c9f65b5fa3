"""Inviting somebody, and coming in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from application.access.reach import admitted, require_reach_over
from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import NewAccounts, Passwords
from application.identity.administration import CREATE, SetRoles, require_reach_of_roles
from application.identity.links import Links
from application.identity.views import UserView, Versioned, shown
from application.limits import Quotas
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import ANYBODY, Rule, holder, require
from domain.access.roles import MEMBER
from domain.audit.entry import added, changed_fields
from domain.identity.events import EmailVerified, UserCreated, UserInvited, UserUpdated
from domain.identity.one_time_token import Purpose
from domain.identity.user import User


@dataclass(frozen=True)
class InviteUser:
    """An account that waits for its member: nobody can sign in to it before the link that is mailed was followed.
    Giving roles needs `users:set-roles` too. Who was invited and has not come yet can be invited again, without a word
    about roles: those they got stay."""

    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    idempotency: Idempotency
    accounts: NewAccounts
    links: Links
    quotas: Quotas
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        email: str,
        roles: Iterable[str] | None = None,
        once: Once[Versioned[UserView]] | None = None,
    ) -> Versioned[UserView]:
        """Raises Invalid (`bad-email`, `unknown-role`), Denied (`beyond-your-rights`), Conflict (`email-taken`),
        Throttled (`too-many-mails`)."""
        require(actor, self.rule)
        if roles is not None:
            require(actor, SetRoles.rule)
        await self.idempotency.check(actor, once)
        user = await self.accounts.make(
            id=self.ids.new(),
            now=self.clock.now(),
            email=email,
            password=None,
            username=None,
            first_name=None,
            last_name=None,
            roles=frozenset({MEMBER} if roles is None else roles),
        )
        await self.quotas.mail(actor, Purpose.INVITATION, user.email.key)
        async with self.transactions.begin() as uow:
            actor = await admitted(uow, actor, self.rule)
            if roles is not None:
                require(actor, SetRoles.rule)
                await require_reach_of_roles(uow, actor, user.roles, gift={MEMBER})
            waiting_id = await uow.users.find(user.email.key)
            waiting = await uow.users.get(waiting_id) if waiting_id is not None else None
            if waiting is not None and _has_not_come_yet(waiting) and roles is None:
                await require_reach_over(uow, actor, waiting)
                user = waiting
            await self.idempotency.keep(uow, actor, once, shown(user))
            if user is not waiting:
                await uow.users.add(user)
                await self.outbox.emit(uow, actor, UserCreated(user.id))
            token = await self.links.issue(uow, user, Purpose.INVITATION)
            await self.trail.record(uow, actor, "user.invited", subject=user.id, fields=added(user.roles))
            await self.outbox.emit(uow, actor, UserInvited(user.id, token.id))
        return shown(user)


def _has_not_come_yet(user: User) -> bool:
    return user.is_active and user.password_hash is None and user.last_login_at is None


@dataclass(frozen=True)
class AcceptInvitation:
    """Choose a password, and perhaps names, for the account that one was invited to."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    links: Links
    passwords: Passwords
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        token: str,
        password: str,
        username: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> Versioned[UserView]:
        """Raises Invalid for the fields (`bad-link`, `bad-username`, `password-refused`), Unavailable (`busy`), and
        Conflict (`username-taken`)."""
        names = {"username": username, "first_name": first_name, "last_name": last_name}
        given = {name: text for name, text in names.items() if text is not None}
        async with self.transactions.begin() as uow:
            _, user = await self.links.good(uow, token, Purpose.INVITATION)
        wanted = user.changed(self.clock.now(), **given)
        password_hash = await self.passwords.accept(password, wanted)
        async with self.transactions.begin() as uow:
            _, user = await self.links.good(uow, token, Purpose.INVITATION)
            now = self.clock.now()
            joined = user.changed(now, password_hash=password_hash, is_verified=True, **given)
            await uow.one_time_tokens.remove_all_of(user.id)
            saved = await uow.users.save(joined)
            await self.trail.record(
                uow,
                actor.proved_to_be(user.id),
                "user.invitation-accepted",
                subject=user.id,
                fields=changed_fields(user, joined),
            )
            if given:
                await self.outbox.emit(uow, actor, UserUpdated(user.id))
            await self.outbox.emit(uow, actor, EmailVerified(user.id))
        return shown(saved)

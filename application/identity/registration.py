"""Becoming a member."""

from dataclasses import dataclass
from typing import ClassVar

from application.audit.trail import Trail
from application.identity.accounts import NewAccounts
from application.identity.links import Links
from application.identity.verification import start_verification
from application.identity.views import UserView, Versioned, shown
from application.limits import Quotas
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import ANYBODY, Rule
from domain.identity.events import UserCreated


@dataclass(frozen=True)
class Register:
    """Anybody may make themselves an account. A link to verify the address is mailed to it."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    trail: Trail
    outbox: Outbox
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
        password: str,
        username: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> Versioned[UserView]:
        """Raises Invalid for the fields (`bad-email`, `bad-username`, `password-refused`), Conflict (`email-taken`,
        `username-taken`), Unavailable (`busy`), Throttled (`too-many-registrations`)."""
        async with self.quotas.registration(actor):
            user = await self.accounts.make(
                id=self.ids.new(),
                now=self.clock.now(),
                email=email,
                password=password,
                username=username,
                first_name=first_name,
                last_name=last_name,
            )
            async with self.transactions.begin() as uow:
                await uow.users.add(user)
                await self.trail.record(uow, actor, "user.registered", subject=user.id)
                await self.outbox.emit(uow, actor, UserCreated(user.id))
                await start_verification(uow, self.links, self.outbox, actor, user)
        return shown(user)

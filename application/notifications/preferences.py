"""What members want to be told, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.identity.accounts import loaded
from application.identity.ports import IdentityQueries
from application.identity.views import Versioned
from application.notifications.inbox import whose
from application.notifications.ports import NotificationQueries
from application.notifications.views import shown_preferences
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, OWNER, OWNER_IN_PERSON, Rule, require
from domain.notifications.notification import Kind
from domain.notifications.preferences import Choice


async def wants_mail(uow: UnitOfWork, user_id: UUID, kind: Kind) -> bool:
    """Whether mails about this are to be sent to the member."""
    return (await uow.preferences.of(user_id)).of(kind).mail


@dataclass(frozen=True)
class ShowPreferences:
    """One's own; the operator sees any member's."""

    rule: ClassVar[Rule] = OWNER | OPERATOR

    queries: NotificationQueries
    users: IdentityQueries

    async def __call__(self, actor: Actor, *, user_id: UUID | None = None) -> Versioned[Mapping[str, Choice]]:
        """Raises NotFound (`user-not-found`)."""
        require(actor, self.rule, owner=user_id or actor.user_id)
        return shown_preferences(await self.queries.preferences(await whose(actor, user_id, self.users)))


@dataclass(frozen=True)
class ChangePreferences:
    """Change the kinds and channels that are named, and no others."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    users: IdentityQueries
    trail: Trail

    async def __call__(
        self,
        actor: Actor,
        *,
        changes: Mapping[str, Mapping[str, bool]],
        user_id: UUID | None = None,
        expected: Expected = None,
    ) -> Versioned[Mapping[str, Choice]]:
        """Raises Invalid (`unknown-kind`, `unknown-channel`, `always-on`), NotFound (`user-not-found`), Stale."""
        require(actor, self.rule, owner=user_id or actor.user_id)
        owner = await whose(actor, user_id, self.users)
        async with self.transactions.begin() as uow:
            await loaded(uow, owner)  # locked: of two changes at once the second sees the first
            stored = await uow.preferences.of(owner)
            require_version(stored.version, expected)
            changed = stored.changed(changes)
            kinds = [kind for kind in Kind if changed.of(kind) != stored.of(kind)]
            for kind in kinds:
                await uow.preferences.choose(owner, kind, changed.of(kind))
            if kinds:
                fields = [kind.value for kind in kinds]
                await self.trail.record(uow, actor, "notification-preferences.changed", subject=owner, fields=fields)
        return shown_preferences(changed)

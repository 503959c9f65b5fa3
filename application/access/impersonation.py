"""Seeing the service as a member sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from application.access.permissions import PermissionCatalogue
from application.access.reach import require_reach_over, rights_of
from application.access.views import ImpersonationToken
from application.audit.trail import Trail
from application.identity.accounts import loaded
from application.identity.ports import AccessTokens, RefreshTokens
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import NOWHERE, Actor
from domain.access.permissions import Permission, covers_all
from domain.access.policy import Rule, holder, require
from domain.audit.entry import added
from domain.errors import Conflict, Denied
from domain.identity.session import Impersonation, Session

IMPERSONATE = Permission(
    "users:impersonate", "See the service in the place of members who may do no more than oneself."
)
LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class Impersonate:
    """An access token of 15 minutes with which an administrator acts in a member's place.

    It shows what is the member's own, and changes nothing of it: what only members themselves may do stays closed. Of
    the member's permissions it has those that were asked for. It ends with the administrator's session or rights; the
    member sees it among their sessions, and can end it.
    """

    rule: ClassVar[Rule] = holder(IMPERSONATE, in_person=True)

    transactions: Transactions
    catalogue: PermissionCatalogue
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    trail: Trail
    clock: Clock
    ids: Ids

    async def __call__(self, actor: Actor, *, user_id: UUID, permissions: Iterable[str] = ()) -> ImpersonationToken:
        """Raises NotFound (`user-not-found`), Invalid (`unknown-permission`), Denied (`beyond-your-rights`,
        `beyond-owners-rights`), Conflict (`account-disabled`, `already-yourself`)."""
        require(actor, self.rule)
        wanted = self.catalogue.known(permissions)
        if actor.user_id is None or actor.session_id is None:
            raise Denied("members-only", "Only a member who is signed in can act in another one's place.")
        if user_id == actor.user_id:
            raise Conflict("already-yourself", "You are this member already.")
        now = self.clock.now()
        session = Session.started(
            id=self.ids.new(),
            user_id=user_id,
            seed=self.refresh_tokens.new_seed(),
            secret_id=self.refresh_tokens.secret_id,
            now=now,
            lifetime=LIFETIME,
            origin=NOWHERE,  # the member sees this session, but not where the administrator sits
            impersonation=Impersonation(actor.user_id, actor.session_id, wanted),
        )
        async with self.transactions.begin() as uow:
            user = await loaded(uow, user_id)
            if not user.is_active:
                raise Conflict("account-disabled", "This account is disabled.")
            await require_reach_over(uow, actor, user)
            if not covers_all(await rights_of(uow, user), wanted):
                raise Denied("beyond-owners-rights", "In a member's place nobody is allowed more than the member.")
            await uow.sessions.add(session)
            await self.trail.record(
                uow,
                actor,
                "user.impersonated",
                subject=user_id,
                item=session.id,
                fields=added(wanted),
            )
        scope = " ".join(sorted(wanted))
        token = await self.access_tokens.issue(
            user_id=user_id,
            session_id=session.id,
            now=now,
            lifetime=LIFETIME,
            impersonator_id=actor.user_id,
            scope=scope,
        )
        return ImpersonationToken(token, int(LIFETIME.total_seconds()), scope)

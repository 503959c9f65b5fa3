"""A member's sessions: see them, end them."""

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.access.reach import require_reach_over
from application.audit.trail import Trail
from application.identity.accounts import loaded, no_such_user
from application.identity.ports import IdentityQueries
from application.identity.views import SessionView
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import OWNER_IN_PERSON, Rule, holder, is_theirs_to_see, require, require_own
from domain.errors import NotFound
from domain.identity.one_time_token import Purpose

READ = Permission("sessions:read", "See where every member is signed in.")
END = Permission("sessions:end", "Sign every member out.")
ASKED_FOR_THERE = (Purpose.CHANGE_EMAIL,)
"""What a session may have asked for that was ended as somebody else's."""
LAST_USED_FIRST = Sort("last_used_at", descending=True)


@dataclass(frozen=True)
class ListSessions:
    """One's own, or with `sessions:read` anybody's; the one used last first."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(READ)

    queries: IdentityQueries
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID | None = None, page: PageRequest = PageRequest()
    ) -> Page[SessionView]:
        """Raises NotFound (`user-not-found`)."""
        owner = user_id or require_own(actor, self.rule)
        require(actor, self.rule, owner=owner)
        if user_id is not None and await self.queries.user(user_id) is None:
            raise no_such_user()
        now = self.clock.now()
        found = await read_page(
            page,
            LAST_USED_FIRST,
            partial(self.queries.sessions_of, owner, now),
            partial(self.queries.count_sessions_of, owner, now),
        )
        shown = [replace(session, is_current=session.id == actor.session_id) for session in found.items]
        return replace(found, items=shown)


@dataclass(frozen=True)
class EndSession:
    """One's own, or with `sessions:end` anybody's. Whether another member's session exists is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(END, own_in_person=True)

    transactions: Transactions
    queries: IdentityQueries
    trail: Trail

    async def __call__(self, actor: Actor, *, session_id: UUID) -> None:
        """Raises NotFound (`session-not-found`), Denied (`beyond-your-rights`)."""
        owner = await self.queries.owner_of_session(session_id)
        if not is_theirs_to_see(actor, self.rule, owner=owner) or owner is None:
            raise _no_such_session()
        async with self.transactions.begin() as uow:
            if owner != actor.user_id:
                await require_reach_over(uow, actor, await loaded(uow, owner))
            if await uow.sessions.get(session_id) is None:  # locks the owner first, as everybody does
                raise _no_such_session()
            await uow.sessions.remove(session_id)
            await uow.one_time_tokens.remove_all_of(owner, ASKED_FOR_THERE)
            await self.trail.record(uow, actor, "session.ended", subject=owner, item=session_id)


@dataclass(frozen=True)
class EndOtherSessions:
    """All of one's own but the one that asks."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    trail: Trail

    async def __call__(self, actor: Actor) -> int:
        """How many there were."""
        user_id = require_own(actor, self.rule)
        async with self.transactions.begin() as uow:
            await loaded(uow, user_id)
            ended = await uow.sessions.remove_all_of(user_id, but=actor.session_id)
            if ended + await uow.one_time_tokens.remove_all_of(user_id, ASKED_FOR_THERE):
                await self.trail.record(uow, actor, "session.others-ended", subject=user_id)
        return ended


@dataclass(frozen=True)
class EndSessionsOf:
    """All sessions of a user, with `sessions:end`."""

    rule: ClassVar[Rule] = holder(END, own_in_person=True)

    transactions: Transactions
    trail: Trail

    async def __call__(self, actor: Actor, *, user_id: UUID) -> int:
        """How many there were. Raises NotFound (`user-not-found`), Denied (`beyond-your-rights`)."""
        require(actor, self.rule, owner=user_id)
        async with self.transactions.begin() as uow:
            await require_reach_over(uow, actor, await loaded(uow, user_id))
            ended = await uow.sessions.remove_all_of(user_id)
            if ended + await uow.one_time_tokens.remove_all_of(user_id, ASKED_FOR_THERE):
                await self.trail.record(uow, actor, "session.all-ended", subject=user_id)
        return ended


def _no_such_session() -> NotFound:
    return NotFound("session-not-found", "There is no such session.")

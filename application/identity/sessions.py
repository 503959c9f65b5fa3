"""A member's sessions: see them, end them."""

from dataclasses import dataclass, replace
from uuid import UUID

from application.identity.accounts import no_such_user
from application.identity.ports import IdentityQueries
from application.identity.views import SessionView
from application.paging import Page, PageRequest, Row, Sort
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import holds, require, require_member
from domain.errors import NotFound

READ = "sessions:read"
END = "sessions:end"
LAST_USED_FIRST = Sort("last_used_at", descending=True)


@dataclass(frozen=True)
class ListSessions:
    """One's own, or with `sessions:read` anybody's; the one used last first."""

    queries: IdentityQueries
    clock: Clock

    async def __call__(
        self, actor: Actor, *, user_id: UUID | None = None, page: PageRequest = PageRequest()
    ) -> Page[SessionView]:
        owner = user_id or require_member(actor)
        require(actor, READ, owner=owner)
        if user_id is not None and await self.queries.user(user_id) is None:
            raise no_such_user()
        now = self.clock.now()
        found = await self.queries.sessions_of(
            owner, now, after=page.after(LAST_USED_FIRST), offset=page.offset, limit=page.size + 1
        )
        rows = [Row(row.position, replace(row.value, is_current=row.value.id == actor.session_id)) for row in found]
        total = await self.queries.count_sessions_of(owner, now) if page.counts else None
        return Page.of(rows, page, LAST_USED_FIRST, total)


@dataclass(frozen=True)
class EndSession:
    """One's own, or with `sessions:end` anybody's. Whether another member's session exists is not told."""

    transactions: Transactions
    queries: IdentityQueries

    async def __call__(self, actor: Actor, *, session_id: UUID) -> None:
        """Raises NotFound (`session-not-found`)."""
        owner = await self.queries.owner_of_session(session_id)
        require(actor, END, owner=actor.user_id)
        if owner is None or (owner != actor.user_id and not holds(actor.permissions, END)):
            raise NotFound("session-not-found", "There is no such session.")
        async with self.transactions.begin() as uow:
            await uow.sessions.remove(session_id)


@dataclass(frozen=True)
class EndOtherSessions:
    """All of one's own but the one that asks."""

    transactions: Transactions

    async def __call__(self, actor: Actor) -> int:
        """How many there were."""
        user_id = require_member(actor)
        async with self.transactions.begin() as uow:
            return await uow.sessions.remove_all_of(user_id, but=actor.session_id)


@dataclass(frozen=True)
class EndSessionsOf:
    """All sessions of a user, with `sessions:end`."""

    transactions: Transactions

    async def __call__(self, actor: Actor, *, user_id: UUID) -> int:
        """How many there were. Raises NotFound (`user-not-found`)."""
        require(actor, END)
        async with self.transactions.begin() as uow:
            if await uow.users.get(user_id) is None:
                raise no_such_user()
            return await uow.sessions.remove_all_of(user_id)

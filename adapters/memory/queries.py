"""The read side: views of what is committed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.database import MemoryDatabase
from adapters.memory.paging import page
from adapters.memory.signing_keys import newest_first
from application.identity.ports import Credentials, IdentityQueries, SignedIn
from application.identity.views import SessionView, UserFilters, UserView, Versioned, shown
from application.paging import Position, Row, Sort, SortValue
from domain.identity.session import Session
from domain.identity.signing_key import SigningKey
from domain.identity.user import User
from domain.text import words

AT_ONCE = 200
"""Accounts of a snapshot, after which others get their turn."""

_SORT_VALUE: Mapping[str, Callable[[User], SortValue]] = {
    "created_at": lambda user: user.created_at,
    "updated_at": lambda user: user.updated_at,
    "email": lambda user: user.email.key,
    "username": lambda user: user.username_key or "",
}


class MemoryIdentityQueries(IdentityQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def credentials(self, *, email_key: str | None = None, username_key: str | None = None) -> Credentials | None:
        user_id = await self.find_user(email_key=email_key, username_key=username_key)
        return Credentials(user_id, self._database.users[user_id].password_hash) if user_id else None

    async def signed_in(self, session_id: UUID, now: datetime) -> SignedIn | None:
        session = self._database.sessions.get(session_id)
        if session is None or session.is_over(now):
            return None
        user = self._database.users[session.user_id]
        if not user.is_active:
            return None
        permissions = self._database.permissions_of(user)
        return SignedIn(
            shown(user), session.created_at, session.expires_at, permissions, impersonation=session.impersonation
        )

    async def signed_in_all(self, session_ids: Collection[UUID], now: datetime) -> Mapping[UUID, SignedIn]:
        found = {session_id: await self.signed_in(session_id, now) for session_id in session_ids}
        return {session_id: each for session_id, each in found.items() if each is not None}

    async def user(self, user_id: UUID) -> Versioned[UserView] | None:
        user = self._database.users.get(user_id)
        return shown(user) if user else None

    async def external_id(self, user_id: UUID) -> str | None:
        return next((text for text, owner in self._database.external_ids.items() if owner == user_id), None)

    async def find_user(self, *, email_key: str | None = None, username_key: str | None = None) -> UUID | None:
        if email_key is not None:
            return self._database.emails.get(email_key)
        return self._database.usernames.get(username_key) if username_key is not None else None

    async def users(
        self, filters: UserFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[UserView]]:
        value_of = _SORT_VALUE[sort.field]
        rows = [Row(Position(value_of(user), user.id), UserView.of(user)) for user in self._found(filters)]
        return page(rows, after=after, offset=offset, limit=limit, descending=sort.descending)

    async def count_users(self, filters: UserFilters) -> int:
        return len(self._found(filters))

    async def users_snapshot(self, filters: UserFilters) -> AsyncGenerator[Sequence[UserView], None]:
        found = sorted(self._found(filters), key=lambda user: user.id)
        for begin in range(0, len(found), AT_ONCE):
            yield [UserView.of(user) for user in found[begin : begin + AT_ONCE]]
            await asyncio.sleep(0)

    async def sessions_of(
        self, user_id: UUID, now: datetime, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[SessionView]]:
        rows = [Row(Position(s.last_used_at, s.id), SessionView.of(s)) for s in self._alive(user_id, now)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_sessions_of(self, user_id: UUID, now: datetime) -> int:
        return len(self._alive(user_id, now))

    async def owner_of_session(self, session_id: UUID) -> UUID | None:
        session = self._database.sessions.get(session_id)
        return session.user_id if session else None

    async def signing_keys(self) -> list[SigningKey]:
        return newest_first(self._database.signing_keys.values())

    def _alive(self, user_id: UUID, now: datetime) -> list[Session]:
        return [s for s in self._database.sessions.values() if s.user_id == user_id and not s.is_over(now)]

    def _found(self, filters: UserFilters) -> list[User]:
        wanted = None if filters.q is None else words(filters.q)
        return [user for user in self._database.users.values() if _passes(user, filters, wanted)]


def _passes(user: User, filters: UserFilters, wanted: list[str] | None) -> bool:
    """Whether a user passes every filter that is set; `wanted` are the words of `q`, and none of them finds nobody."""
    if filters.role is not None and filters.role not in user.roles:
        return False
    if filters.is_active is not None and user.is_active != filters.is_active:
        return False
    if filters.is_verified is not None and user.is_verified != filters.is_verified:
        return False
    if wanted is None:
        return True
    text = user.search_text
    return bool(wanted) and all(f" {word}" in text for word in wanted)

"""The read side: views, straight from rows. Statements are built once, so that SQLAlchemy compiles them once."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Select, Text, bindparam, cast, func, select

from adapters.sql.given import as_parameter, is_given
from adapters.sql.impersonations import COLUMNS as IMPERSONATION
from adapters.sql.impersonations import impersonation
from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.signing_keys import NEWEST_FIRST, signing_key
from adapters.sql.tables import external_ids, sessions, users
from adapters.sql.text import storable
from adapters.sql.user_lists import Choice, counted, gathered, sampled, walked, whole
from adapters.sql.user_views import VIEW, VIEW_WITH_PERMISSIONS, permissions, user_view, versioned
from adapters.sql.words import rare_ones
from application.identity.ports import Credentials, IdentityQueries, SignedIn
from application.identity.views import SessionView, UserFilters, UserView, Versioned
from application.paging import Position, Sort
from application.paging import Row as Placed
from domain.identity.signing_key import SigningKey

AT_ONCE = 500
"""Sessions that one statement asks for, so that nobody waits for as long as it takes to read what it found."""

_WITH_SESSION = (
    VIEW_WITH_PERMISSIONS.add_columns(
        sessions.c.created_at.label("signed_in_at"), sessions.c.expires_at, *IMPERSONATION
    )
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(sessions.c.expires_at > bindparam("now"), users.c.is_active)
)
_SIGNED_IN = _WITH_SESSION.where(sessions.c.id == bindparam("session_id"))
_USER = VIEW.where(users.c.id == bindparam("user_id"))


def _credentials_by(column: Column[str]) -> Select[Any]:
    """Always one row, of nothing where there is no such account: to answer that nobody was found shall take as long."""
    asked = select(cast(bindparam("key"), Text).label("key")).subquery("asked")
    return select(users.c.id, users.c.password_hash).select_from(asked.outerjoin(users, column == asked.c.key))


_BY_EMAIL = _credentials_by(users.c.email_key)
_BY_USERNAME = _credentials_by(users.c.username_key)
_alive = sessions.c.user_id == bindparam("user_id"), sessions.c.expires_at > bindparam("now")
_COUNT_SESSIONS_OF = select(func.count()).select_from(sessions).where(*_alive)
_EXTERNAL_ID = select(external_ids.c.external_id).where(external_ids.c.user_id == bindparam("user_id"))
_OWNER = select(sessions.c.user_id).where(sessions.c.id == bindparam("session_id"))


class SqlIdentityQueries(IdentityQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def credentials(self, *, email_key: str | None = None, username_key: str | None = None) -> Credentials | None:
        key = email_key if email_key is not None else username_key
        if key is None or not storable(key):
            return None
        rows = await self._reader.look_up(_BY_EMAIL if email_key is not None else _BY_USERNAME, {"key": key})
        return None if rows[0].id is None else Credentials(rows[0].id, rows[0].password_hash)

    async def signed_in(self, session_id: UUID, now: datetime) -> SignedIn | None:
        rows = await self._reader.look_up(_SIGNED_IN, {"session_id": session_id, "now": now})
        return _signed_in(rows[0]) if rows else None

    async def signed_in_all(self, session_ids: Collection[UUID], now: datetime) -> Mapping[UUID, SignedIn]:
        on_postgresql = self._reader.on_postgresql
        read = self._reader.look_up if on_postgresql else self._reader.search
        left, found = iter(session_ids), dict[UUID, SignedIn]()
        while some := list(islice(left, AT_ONCE)):
            rows = await read(_all_signed_in(on_postgresql), {"now": now, **as_parameter(some, on_postgresql)})
            found.update((row.session_id, _signed_in(row)) for row in rows)
        return found

    async def user(self, user_id: UUID) -> Versioned[UserView] | None:
        rows = await self._reader.look_up(_USER, {"user_id": user_id})
        return versioned(rows[0]) if rows else None

    async def external_id(self, user_id: UUID) -> str | None:
        rows = await self._reader.search(_EXTERNAL_ID, {"user_id": user_id})
        return rows[0].external_id if rows else None

    async def find_user(self, *, email_key: str | None = None, username_key: str | None = None) -> UUID | None:
        found = await self.credentials(email_key=email_key, username_key=username_key)
        return found.user_id if found else None

    async def users(
        self, filters: UserFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[UserView]]:
        chosen = Choice.of(filters)
        if chosen is None:
            return []
        by = await self._rare_words(chosen, offset + limit)
        shape, continues = chosen.shape, after is not None
        statement = gathered(shape, sort, continues, by) if by else walked(shape, sort, continues)
        where = {**place(after, offset, limit), "reach": offset + limit}
        rows = await self._reader.search(statement, {**chosen.parameters, **where})
        return [Placed(Position(row.position, row.id), user_view(row)) for row in rows]

    async def count_users(self, filters: UserFilters) -> int:
        chosen = Choice.of(filters)
        if chosen is None:
            return 0
        statement = counted(chosen.shape, by_lexemes=self._reader.on_postgresql)
        return int((await self._reader.search(statement, chosen.parameters))[0][0])

    async def users_snapshot(self, filters: UserFilters) -> AsyncGenerator[Sequence[UserView], None]:
        chosen = Choice.of(filters)
        if chosen is None:
            return
        async with aclosing(self._reader.snapshot(whole(chosen.shape), chosen.parameters)) as parts:
            async for rows in parts:
                yield [user_view(row) for row in rows]

    async def _rare_words(self, chosen: Choice, limit: int) -> tuple[int, ...]:
        """The words by which so few accounts are found that sorting them all is cheap: a sample tells."""
        if not chosen.shape.words or not self._reader.on_postgresql:
            return ()
        counts = await self._reader.search(sampled(chosen.shape.words), chosen.parameters)
        return rare_ones(counts[0], limit)

    async def sessions_of(
        self, user_id: UUID, now: datetime, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[SessionView]]:
        rows = await self._reader.search(
            _sessions_page(after is not None), {"user_id": user_id, "now": now, **place(after, offset, limit)}
        )
        return [Placed(Position(row.last_used_at, row.id), _session_view(row)) for row in rows]

    async def count_sessions_of(self, user_id: UUID, now: datetime) -> int:
        rows = await self._reader.search(_COUNT_SESSIONS_OF, {"user_id": user_id, "now": now})
        return int(rows[0][0])

    async def owner_of_session(self, session_id: UUID) -> UUID | None:
        rows = await self._reader.look_up(_OWNER, {"session_id": session_id})
        return rows[0].user_id if rows else None

    async def signing_keys(self) -> list[SigningKey]:
        return [signing_key(row) for row in await self._reader.look_up(NEWEST_FIRST, {})]


@lru_cache
def _all_signed_in(on_postgresql: bool) -> Select[Any]:
    return _WITH_SESSION.add_columns(sessions.c.id.label("session_id")).where(is_given(sessions.c.id, on_postgresql))


def _signed_in(row: Row[Any]) -> SignedIn:
    return SignedIn(versioned(row), row.signed_in_at, row.expires_at, permissions(row), impersonation(row))


@lru_cache
def _sessions_page(continues: bool) -> Select[Any]:
    alive = select(sessions).where(*_alive)
    return paged(alive, sessions.c.last_used_at, sessions.c.id, descending=True, continues=continues)


def _session_view(row: Row[Any]) -> SessionView:
    return SessionView(
        id=row.id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        address=row.address,
        user_agent=row.user_agent,
        impersonated_by=row.impersonator_id,
    )

"""Sessions within a unit of work."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, insert, select, update

from adapters.sql.batches import chosen_once
from adapters.sql.impersonations import columns_of, impersonation
from adapters.sql.tables import sessions, users
from adapters.sql.work import Work
from domain.identity.session import Session, SessionRepository

_AT_ONCE = 5_000
"""Expired sessions that one statement removes, so that no statement takes too long however many there are."""

_INSERT = insert(sessions)
_LOCK = (  # the user too, and first: who ends all sessions of a user holds the user, and then wants each session
    select(sessions).select_from(users.join(sessions)).where(sessions.c.id == bindparam("session_id")).with_for_update()
)
_FROM_THERE = (
    select(sessions.c.id)
    .where(
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.address.is_not_distinct_from(bindparam("address")),
        sessions.c.user_agent.is_not_distinct_from(bindparam("user_agent")),
    )
    .limit(1)
)
_UPDATE = update(sessions).where(sessions.c.id == bindparam("session_id"))
_DELETE = delete(sessions).where(sessions.c.id == bindparam("session_id"))
_DELETE_ALL_OF = delete(sessions).where(sessions.c.user_id == bindparam("user_id"))
_DELETE_EXPIRED = delete(sessions).where(
    sessions.c.id.in_(
        chosen_once(
            select(sessions.c.id)
            .where(sessions.c.expires_at <= bindparam("now"))
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)  # who holds one is ending it too; waiting could be a deadlock
        )
    )
)


class SqlSessions(SessionRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, session: Session) -> None:
        await self._work.execute(_INSERT, {"id": session.id, **_columns(session)})

    async def get(self, session_id: UUID) -> Session | None:
        row = (await self._work.execute(_LOCK, {"session_id": session_id})).one_or_none()
        return _session(row) if row else None

    async def is_known_place(self, user_id: UUID, address: str | None, user_agent: str | None) -> bool:
        place = {"user_id": user_id, "address": address, "user_agent": user_agent}
        return (await self._work.execute(_FROM_THERE, place)).first() is not None

    async def save(self, session: Session) -> None:
        await self._work.execute(_UPDATE, {"session_id": session.id, **_columns(session)})

    async def remove(self, session_id: UUID) -> bool:
        self._work.changed.add(session_id)
        return (await self._work.execute(_DELETE, {"session_id": session_id})).rowcount > 0

    async def remove_all_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        statement = _DELETE_ALL_OF if but is None else _DELETE_ALL_OF.where(sessions.c.id != but)
        self._work.changed.add(user_id)
        return (await self._work.execute(statement, {"user_id": user_id})).rowcount

    async def remove_expired(self, now: datetime) -> int:
        removed = 0
        while count := (await self._work.execute(_DELETE_EXPIRED, {"now": now})).rowcount:
            removed += count
        return removed


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        seed=row.seed,
        secret_id=row.secret_id,
        counter=row.counter,
        rotated_at=row.rotated_at,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        address=row.address,
        user_agent=row.user_agent,
        impersonation=impersonation(row),
    )


def _columns(session: Session) -> dict[str, object]:
    """Everything but the id."""
    return {
        "user_id": session.user_id,
        "seed": session.seed,
        "secret_id": session.secret_id,
        "counter": session.counter,
        "rotated_at": session.rotated_at,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "user_agent": session.user_agent,
        **columns_of(session.impersonation),
    }

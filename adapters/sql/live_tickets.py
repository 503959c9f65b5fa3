"""Tickets of live connections within a unit of work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update

from adapters.sql.tables import live_tickets
from adapters.sql.work import Work
from domain.live.ticket import Ticket, TicketRepository

_is_unused = live_tickets.c.stream_at.is_(None)
_INSERT = insert(live_tickets)
_TAKE = delete(live_tickets).where(live_tickets.c.digest == bindparam("digest"), _is_unused).returning(live_tickets)
_TAKE_FOR_STREAM = (
    update(live_tickets)
    .where(
        live_tickets.c.digest == bindparam("taken_digest"),
        or_(~_is_unused, live_tickets.c.expires_at > bindparam("now")),
    )
    .values(stream_at=func.coalesce(live_tickets.c.stream_at, bindparam("now", type_=live_tickets.c.stream_at.type)))
    .returning(live_tickets)
)
_DELETE_EXPIRED = delete(live_tickets).where(
    live_tickets.c.digest.in_(
        select(live_tickets.c.digest)
        .where(_is_unused, live_tickets.c.expires_at <= bindparam("now"))
        .with_for_update(skip_locked=True)  # who holds one is removing it too; waiting could be a deadlock
    )
)


class SqlTickets(TicketRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, ticket: Ticket) -> None:
        await self._work.execute(
            _INSERT,
            {
                "digest": ticket.digest,
                "user_id": ticket.user_id,
                "session_id": ticket.session_id,
                "expires_at": ticket.expires_at,
                "stream_at": ticket.stream_at,
            },
        )

    async def take(self, digest: bytes) -> Ticket | None:
        return _ticket((await self._work.execute(_TAKE, {"digest": digest})).one_or_none())

    async def take_for_stream(self, digest: bytes, now: datetime) -> Ticket | None:
        values = {"taken_digest": digest, "now": now}
        return _ticket((await self._work.execute(_TAKE_FOR_STREAM, values)).one_or_none())

    async def remove_expired(self, now: datetime) -> int:
        return (await self._work.execute(_DELETE_EXPIRED, {"now": now})).rowcount


def _ticket(row: Row[Any] | None) -> Ticket | None:
    if row is None:
        return None
    return Ticket(
        digest=row.digest,
        user_id=row.user_id,
        session_id=row.session_id,
        expires_at=row.expires_at,
        stream_at=row.stream_at,
    )

"""Sessions within a unit of work."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes
from domain.identity.session import Session, SessionRepository


class MemorySessions(SessionRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, session: Session) -> None:
        if self._changes.users.get(session.user_id) is None:
            raise LookupError(f"There is no user {session.user_id} whose session this could be.")
        self._changes.sessions.add(session.id, session)

    async def get(self, session_id: UUID) -> Session | None:
        return self._changes.sessions.get(session_id)

    async def is_known_place(self, user_id: UUID, address: str | None, user_agent: str | None) -> bool:
        places = {(s.address, s.user_agent) for s in self._changes.sessions.values() if s.user_id == user_id}
        return (address, user_agent) in places

    async def save(self, session: Session) -> None:
        if self._changes.sessions.get(session.id) is not None:
            self._changes.sessions.put(session.id, session)

    async def remove(self, session_id: UUID) -> bool:
        self._remove_tickets({session_id})
        return self._changes.sessions.remove(session_id)

    async def remove_all_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        return self._remove_where(lambda session: session.user_id == user_id and session.id != but)

    async def remove_expired(self, now: datetime) -> int:
        return self._remove_where(lambda session: session.is_over(now))

    def _remove_where(self, condition: Callable[[Session], bool]) -> int:
        chosen = [session.id for session in self._changes.sessions.values() if condition(session)]
        self._remove_tickets(set(chosen))
        for session_id in chosen:
            self._changes.sessions.remove(session_id)
        return len(chosen)

    def _remove_tickets(self, session_ids: set[UUID]) -> None:
        for ticket in self._changes.live_tickets.values():
            if ticket.session_id in session_ids:
                self._changes.live_tickets.remove(ticket.digest)

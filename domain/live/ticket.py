"""Tickets: what browsers open a live connection with, for they cannot send headers then."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

GOOD_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """It opens a socket once before `expires_at`; or a stream of events, which it may open again from then on
    (`stream_at` is when it did so first) for as long as the session lives. `digest`: of the text, which is told once
    and stored nowhere."""

    digest: bytes
    user_id: UUID
    session_id: UUID
    expires_at: datetime
    stream_at: datetime | None = None


class TicketRepository(Protocol):
    """Tickets within a unit of work. They go with their session."""

    async def add(self, ticket: Ticket) -> None: ...

    async def take(self, digest: bytes) -> Ticket | None:
        """Remove and return it: of several who try, one gets it. Those that are a stream's are left alone (None)."""
        ...

    async def take_for_stream(self, digest: bytes, now: datetime) -> Ticket | None:
        """The ticket, which belongs to a stream from now on; the one who came first set `stream_at`. None where it is
        not there, or ran out before it was used."""
        ...

    async def remove_expired(self, now: datetime) -> int:
        """Those that ran out before they were used, and those whose session is gone; how many they were."""
        ...

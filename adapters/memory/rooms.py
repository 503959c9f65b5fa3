"""Rooms and tickets of live connections within a unit of work."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes
from domain.errors import Conflict, NotFound
from domain.live.room import KEPT, TRIMMED_EVERY, Room, RoomMessage, RoomRepository
from domain.live.ticket import Ticket, TicketRepository


class MemoryRooms(RoomRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, room: Room) -> None:
        if await self.get(room.name) is not None:
            raise self._changes.spoil(Conflict("room-taken", "There is a room of this name already."))
        self._changes.rooms.add(room.id, room)
        self._changes.room_numbers.put(room.id, 0)

    async def get(self, name: str) -> Room | None:
        return next((room for room in self._changes.rooms.values() if room.name == name), None)

    async def remove(self, room_id: UUID) -> None:
        for message in self._changes.room_messages.values():
            if message.room_id == room_id:
                self._changes.room_messages.remove((room_id, message.number))
        self._changes.room_numbers.remove(room_id)
        self._changes.rooms.remove(room_id)

    async def next_number(self, room_id: UUID) -> int | None:
        last = self._changes.room_numbers.get(room_id)
        if last is None:
            return None
        self._changes.room_numbers.put(room_id, last + 1)
        return last + 1

    async def say(self, message: RoomMessage) -> None:
        if self._changes.users.get(message.author_id) is None:
            raise self._changes.spoil(NotFound("user-not-found", "There is no such user."))
        if self._changes.rooms.get(message.room_id) is None:
            raise LookupError(f"There is no room {message.room_id}.")
        self._changes.room_messages.add((message.room_id, message.number), message)
        if message.number % TRIMMED_EVERY == 0:
            for place, _ in self._changes.room_messages.items():
                if place[0] == message.room_id and place[1] <= message.number - KEPT:
                    self._changes.room_messages.remove(place)


class MemoryTickets(TicketRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, ticket: Ticket) -> None:
        if self._changes.sessions.get(ticket.session_id) is None:
            raise LookupError(f"There is no session {ticket.session_id} that this could be a ticket of.")
        self._changes.live_tickets.put(ticket.digest, ticket)

    async def take(self, digest: bytes) -> Ticket | None:
        found = self._changes.live_tickets.get(digest)
        if found is None or found.stream_at is not None:
            return None
        self._changes.live_tickets.remove(digest)
        return found

    async def take_for_stream(self, digest: bytes, now: datetime) -> Ticket | None:
        found = self._changes.live_tickets.get(digest)
        if found is None or (found.stream_at is None and found.expires_at <= now):
            return None
        taken = replace(found, stream_at=found.stream_at or now)
        self._changes.live_tickets.put(digest, taken)
        return taken

    async def remove_expired(self, now: datetime) -> int:
        tickets = self._changes.live_tickets
        old = [t.digest for t in tickets.values() if t.stream_at is None and t.expires_at <= now]
        return sum([tickets.remove(digest) for digest in old])

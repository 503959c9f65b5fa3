"""One client: who it is, which rooms it is in, and what it says."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from application.live.occupied_rooms import OccupiedRoom, Seat
from application.live.outgoing import End, Ending, Outgoing, Tell
from application.live.presence import Person
from application.live.rooms import may_enter, no_such_room
from application.live.streams import Drained
from domain.access.actor import Actor
from domain.errors import Conflict
from domain.live.cursor import Cursor, stream_of
from domain.live.room import NAME

if TYPE_CHECKING:
    from application.live.switchboard import Switchboard

log = logging.getLogger("moothall.live")

MOST_ROOMS = 50
"""That one connection may be in."""


class Connection:
    """`tell`, `end` and `drained` reach the client. `person` is who others see in rooms; None for who only listens.
    `api_key` is what it was opened with, unless that was a session."""

    def __init__(
        self,
        switchboard: "Switchboard",
        actor: Actor,
        *,
        tell: Tell,
        end: End,
        drained: Drained,
        person: Person | None = None,
        api_key: str | None = None,
    ) -> None:
        self.actor = actor
        self.drained = drained
        self.api_key = api_key
        self._switchboard = switchboard
        self._person = person
        self._tell = tell
        self._end = end
        self._seats: dict[str, tuple[OccupiedRoom, Seat]] = {}
        self._is_over = False

    def tell(self, outgoing: Outgoing) -> None:
        """Never fails, for it may be one of many who are told: a client that cannot be told is put out."""
        if self._is_over:
            return
        try:
            self._tell(outgoing)
        except Exception:
            log.exception("A client could not be told, and is put out")
            self.end(Ending.TOO_SLOW)

    @property
    def is_over(self) -> bool:
        return self._is_over

    async def open(self, since: Mapping[str, Cursor]) -> None:
        """Greet, tell what was missed since these cursors (by their streams), and go on telling."""
        greeting: dict[str, object] = {} if self._person is None else {"user": self._person}
        await self._switchboard.enter(self, since=since, greeting=greeting)

    async def join(self, name: str, since: Mapping[str, Cursor]) -> None:
        """Hear what is said in a room. Who is in it already is told again who is there.

        Raises:
            NotFound: `room-not-found`; or one that they may not even know of.
            Conflict: `too-many-rooms`.
        """
        if self._is_over:
            return
        if name in self._seats:
            self.who(name)
            return
        if len(self._seats) >= MOST_ROOMS and self._person is not None:
            raise Conflict("too-many-rooms", f"One connection may be in {MOST_ROOMS} rooms; leave some.")
        await self.drained()  # what was said last is much, where one joins many rooms in a row
        found = await self._switchboard.queries.room(name) if NAME.fullmatch(name) else None
        if self._is_over:
            return
        if found is None or not may_enter(self.actor.permissions, found.permission):
            raise no_such_room()
        room, seat = self._switchboard.occupied(found), Seat(self.tell, self._person)
        room.seats.add(seat)
        self._seats[name] = room, seat
        is_in = False
        try:
            await room.follow(seat, since.get(stream_of(found.id)), self.drained)
            is_in = not self._is_over and seat in room.seats
        finally:
            if not is_in:
                self._stand_up(name)
        if not is_in and not self._is_over:
            raise no_such_room()

    def leave(self, name: str) -> None:
        """Raises Conflict (`not-in-room`)."""
        self._stand_up(self._in(name).room.name)
        self.tell(Outgoing("left", room=name, user=self._person))

    def who(self, name: str) -> None:
        """Tell who is in the room. Raises Conflict (`not-in-room`)."""
        self.tell(self._in(name).who())

    async def say(self, name: str, text: str) -> None:
        """Everybody in the room is told, who says it too. Raises Conflict (`not-in-room`), and as `Say` does."""
        self._in(name)
        await self._switchboard.say(self.actor, room=name, text=text)

    def end(self, ending: Ending) -> None:
        """Close it; the second time does nothing. It leaves everywhere a moment later: that is told to others, and may
        not nest where many are being told, some of whom are put out."""
        if self._is_over:
            return
        self._is_over = True
        asyncio.get_running_loop().call_soon(self.close)
        try:
            self._end(ending)
        except Exception:
            log.exception("A client could not be put out")

    def close(self) -> None:
        """It is closed: leave everywhere. The second time does nothing."""
        self._is_over = True
        self._switchboard.leave(self)
        for name in tuple(self._seats):
            self._stand_up(name)

    def promote(self, permissions: frozenset[str]) -> None:
        self.actor = replace(self.actor, permissions=permissions)

    def lose(self, room: OccupiedRoom) -> None:
        """The room was closed."""
        if self._seats.get(room.room.name, (None,))[0] is room:
            self._stand_up(room.room.name)

    def _in(self, name: str) -> OccupiedRoom:
        if name not in self._seats:
            raise Conflict("not-in-room", "Join the room first.")
        return self._seats[name][0]

    def _stand_up(self, name: str) -> None:
        if name in self._seats:
            room, seat = self._seats.pop(name)
            room.leave(seat)
            self._switchboard.vacate(room)

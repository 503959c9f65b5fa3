"""A room that somebody here is in: what is said goes to all of them, and who comes and goes is announced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from application.live.inbox import gap
from application.live.outgoing import Outgoing, Tell
from application.live.plain import as_plain
from application.live.ports import LiveQueries
from application.live.presence import Moves, Person, Presence
from application.live.rooms import no_such_room
from application.live.streams import Drained, Item, Spawn, Stream, is_too_old
from application.live.views import Numbered, RoomMessageView, RoomView
from application.ports import Clock
from domain.live.cursor import Cursor
from domain.live.room import KEPT, SHOWN_ON_JOINING

ANNOUNCED_UP_TO = 100
"""People in a room. Where more are, nobody reads who comes and goes; and to tell each of each costs by the square."""
MOST_NAMED = 100
"""Of those who are in a room, to whoever asks."""

Publish = Callable[[dict[str, Any] | None], None]
"""Tells other processes who is here; None: nothing."""


@dataclass(eq=False, slots=True)
class Seat:
    """Of one connection in a room. Somebody who only listens is nobody (`person` None) to the others."""

    tell: Tell
    person: Person | None
    is_announced: bool = False


class OccupiedRoom(Stream):
    """`seats` are those that were taken here, by who follows or is about to."""

    def __init__(
        self, room: RoomView, queries: LiveQueries, clock: Clock, spawn: Spawn, presence: Presence, publish: Publish
    ) -> None:
        super().__init__(spawn)
        self.room = room
        self.seats: set[Seat] = set()
        self.presence = presence
        self._queries = queries
        self._clock = clock
        self._publish = publish

    async def latest(self) -> int:
        """Raises NotFound (`room-not-found`): it was closed meanwhile."""
        numbers = await self._queries.room_numbers([self.room.id])
        if self.room.id not in numbers:
            raise no_such_room()
        return numbers[self.room.id]

    async def read(self, after: int, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._queries.said_after(self.room.id, after, limit)]

    def outgoing(self, item: Item) -> Outgoing:
        return Outgoing("message", self.cursor(item.number), **_said(item))

    def cursor(self, number: int) -> str:
        return str(Cursor.of(self.room.id, number, self._clock.now()))

    async def follow(self, seat: Seat, since: Cursor | None, drained: Drained) -> None:
        """Tell them that they are in the room, with who is there; and what was said last, or since.

        Raises:
            NotFound: `room-not-found`; it was closed meanwhile.
        """
        async with self.lock:
            await self.settle()
            reaches = since is not None and not is_too_old(since, self.number, kept=KEPT)
            rows = [] if reaches else [_item(r) for r in await self._queries.last_said(self.room.id, SHOWN_ON_JOINING)]
            if rows:
                rows += await self._tell_others_up_to(rows[-1].number)
            if seat not in self.seats:
                raise no_such_room()
            self._come(seat)
            there = self.presence.people.keys()
            number = since.number if since is not None and reaches else self.number
            seat.tell(
                Outgoing(
                    "joined",
                    self.cursor(number),
                    **self._who(),
                    user=seat.person,
                    messages=self._shown(rows[-SHOWN_ON_JOINING:]),
                )
            )
            if not reaches:
                self.add(seat.tell)
        if since is not None and not reaches:
            seat.tell(gap("Too much was said meanwhile to tell it all again.", room=self.room.name))
        elif since is not None:
            await self.replay(seat.tell, since.number, drained)
            if seat not in self.seats:
                self.followers.discard(seat.tell)
            elif self.presence.people.keys() != there:
                seat.tell(self.who())

    def leave(self, seat: Seat) -> None:
        """The second time does nothing."""
        self.seats.discard(seat)
        self.followers.discard(seat.tell)
        if seat.person is not None and seat.is_announced:
            seat.is_announced = False
            moves, change = self.presence.go(seat.person["id"])
            self._publish(change)
            self.announce(moves)

    def who(self) -> Outgoing:
        return Outgoing("here", **self._who())

    def close(self) -> None:
        """Tell everybody, also who is about to follow, and let them go."""
        told = Outgoing("left", room=self.room.name, code="room-closed", detail="This room was closed.")
        self.followers.clear()
        seats, self.seats = self.seats, set()
        for seat in seats:
            seat.tell(told)

    def announce(self, moves: Moves) -> None:
        if not moves.came and not moves.went:
            return
        people = self.presence.people
        if len(people) > ANNOUNCED_UP_TO:
            return
        if moves.were_there:
            self._tell_all(self.who())
            return
        for kind, persons in (("joined", moves.came), ("left", moves.went)):
            for person in persons:
                self._tell_all(Outgoing(kind, room=self.room.name, user=person, count=len(people)))

    async def _tell_others_up_to(self, number: int) -> Sequence[Item]:
        """What was said while somebody comes, who has read up to there; more that the others were told meanwhile is
        returned. Call it with the lock held."""
        await self.come_to(number)
        if self.number == number:
            return []
        return [row for row in await self.read(number, self.number - number) if row.number <= self.number]

    def _tell_all(self, told: Outgoing) -> None:
        for tell in tuple(self.followers):
            tell(told)

    def _come(self, seat: Seat) -> None:
        if seat.person is None:
            return
        seat.is_announced = True
        if self.presence.is_empty_here:
            self._publish(self.presence.question())
        moves, change = self.presence.come(seat.person)
        self._publish(change)
        self.announce(moves)

    def _who(self) -> dict[str, object]:
        people = self.presence.people
        return {"room": self.room.name, "here": [*people.values()][:MOST_NAMED], "count": len(people)}

    def _shown(self, rows: Sequence[Item]) -> list[dict[str, Any]]:
        return [_said(row) | {"cursor": self.cursor(row.number)} for row in rows]


def _item(row: Numbered[RoomMessageView]) -> Item:
    return Item(row.number, as_plain(row.value))


def _said(item: Item) -> dict[str, Any]:
    """As clients know it: `from` is who said it."""
    return {("from" if name == "author" else name): value for name, value in item.data.items()}

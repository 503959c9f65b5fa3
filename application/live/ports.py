"""What the live channel needs from outside: a way to tell other processes, and its read side."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol
from uuid import UUID

from application.jobs.views import JobView
from application.live.told import Told
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position, Row


class Hub(Protocol):
    """Tells every process that listens, this one included. It may lose what it is told, and tell it twice: the truth is
    in the store, where whoever listens looks when there was a gap, and now and then."""

    def publish(self, told: Told) -> None:
        """Never waits and never fails. What one process tells about one thing is heard in that order. Those who listen
        in this process have heard it when this returns."""
        ...

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        """From now on, until it is closed. `on_gap` is called when something may have been missed: whenever other
        processes are heard (again)."""
        ...

    def is_whole(self) -> bool:
        """Whether other processes are heard, and hear this one, at this moment; of a hub that knows this process alone
        it is never true."""
        ...


class TicketMaker(Protocol):
    """Tickets as text. They are random, 256 bits long, so that a plain hash recognises them safely."""

    def new(self) -> str: ...

    def digest(self, ticket: str) -> bytes:
        """What is stored: 32 bytes, always the same ones for the same text."""
        ...


class LiveQueries(Protocol):
    """What live connections read from the store; outside of any unit of work. What is numbered comes in its order."""

    async def room(self, name: str) -> RoomView | None: ...

    async def rooms(
        self, held: Collection[str] | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[RoomView]]:
        """Those that are open, or ask for one of these permissions (None: all rooms); newest first, ties by id
        downwards."""
        ...

    async def count_rooms(self, held: Collection[str] | None) -> int: ...

    async def room_numbers(self, room_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Of the latest message of each (0: nothing was said); those that are gone are left out."""
        ...

    async def last_said(self, room_id: UUID, limit: int) -> list[Numbered[RoomMessageView]]:
        """The latest ones, in their order."""
        ...

    async def said_after(self, room_id: UUID, number: int, limit: int) -> list[Numbered[RoomMessageView]]: ...

    async def said_by(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[RoomMessageView]]:
        """In all rooms; newest first, ties by id downwards."""
        ...

    async def inboxes(self, user_ids: Collection[UUID]) -> Mapping[UUID, InboxState]:
        """Of each of them, number and count from the same moment."""
        ...

    async def notifications_after(self, user_id: UUID, number: int, limit: int) -> list[Numbered[NotificationView]]: ...

    async def jobs(self, job_ids: Collection[UUID]) -> list[JobView]:
        """Every unfinished job that belongs to a member, and these whatever became of them."""
        ...

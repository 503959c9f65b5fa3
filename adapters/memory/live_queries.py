"""What live connections read."""

from collections.abc import Collection, Mapping
from uuid import UUID

from adapters.memory.database import MemoryDatabase
from adapters.memory.paging import page
from application.identity.views import UserView
from application.jobs.views import JobView
from application.live.ports import LiveQueries
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position, Row
from application.posts.views import AuthorView
from domain.live.room import KEPT, TRIMMED_EVERY, RoomMessage


class MemoryLiveQueries(LiveQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def room(self, name: str) -> RoomView | None:
        return next((RoomView.of(room) for room in self._database.rooms.values() if room.name == name), None)

    async def rooms(
        self, held: Collection[str] | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[RoomView]]:
        rows = [Row(Position(room.created_at, room.id), room) for room in self._open_to(held)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_rooms(self, held: Collection[str] | None) -> int:
        return len(self._open_to(held))

    async def room_numbers(self, room_ids: Collection[UUID]) -> Mapping[UUID, int]:
        numbers = self._database.room_numbers
        return {room_id: numbers[room_id] for room_id in room_ids if room_id in numbers}

    async def last_said(self, room_id: UUID, limit: int) -> list[Numbered[RoomMessageView]]:
        return self._shown(self._said(room_id, 0)[-limit:])

    async def said_after(self, room_id: UUID, number: int, limit: int) -> list[Numbered[RoomMessageView]]:
        return self._shown(self._said(room_id, number)[:limit])

    async def said_by(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[RoomMessageView]]:
        said = [message for message in self._database.room_messages.values() if message.author_id == user_id]
        rows = [Row(Position(message.at, message.id), message) for message in said]
        found = page(rows, after=after, offset=offset, limit=limit, descending=True)
        return [Row(row.position, self._view(row.value)) for row in found]

    async def inboxes(self, user_ids: Collection[UUID]) -> Mapping[UUID, InboxState]:
        unread = dict.fromkeys(user_ids, 0)
        for notification in self._database.notifications.values():
            if notification.user_id in unread and notification.read_at is None:
                unread[notification.user_id] += 1
        return {user_id: InboxState(self._database.inboxes.get(user_id, 0), n) for user_id, n in unread.items()}

    async def notifications_after(self, user_id: UUID, number: int, limit: int) -> list[Numbered[NotificationView]]:
        numbers = self._database.notification_numbers
        theirs = [n for n in self._database.notifications.values() if n.user_id == user_id and numbers[n.id] > number]
        found = sorted(theirs, key=lambda notification: numbers[notification.id])
        return [Numbered(numbers[each.id], NotificationView.of(each)) for each in found[:limit]]

    async def jobs(self, job_ids: Collection[UUID]) -> list[JobView]:
        wanted = set(job_ids)
        found = [
            job
            for job in self._database.jobs.values()
            if job.emitted is None and (job.id in wanted or (job.owner_id is not None and not job.is_finished))
        ]
        return [JobView.of(job) for job in sorted(found, key=lambda job: (job.created_at, job.id))]

    def _open_to(self, held: Collection[str] | None) -> list[RoomView]:
        rooms = self._database.rooms.values()
        return [RoomView.of(r) for r in rooms if held is None or r.permission is None or r.permission in held]

    def _said(self, room_id: UUID, after: int) -> list[RoomMessage]:
        """No message is older than the room keeps; so few places have to be looked at, however much was said."""
        last = self._database.room_numbers.get(room_id, 0)
        places = range(max(after, last - KEPT - TRIMMED_EVERY) + 1, last + 1)
        found = (self._database.room_messages.get((room_id, number)) for number in places)
        return [message for message in found if message is not None]

    def _shown(self, messages: Collection[RoomMessage]) -> list[Numbered[RoomMessageView]]:
        return [Numbered(message.number, self._view(message)) for message in messages]

    def _view(self, message: RoomMessage) -> RoomMessageView:
        return RoomMessageView(
            id=message.id,
            room=self._database.rooms[message.room_id].name,
            author=AuthorView.of(UserView.of(self._database.users[message.author_id])),
            text=message.text,
            at=message.at,
        )

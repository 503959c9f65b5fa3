"""Rooms within a unit of work."""

from uuid import UUID

from sqlalchemy import bindparam, delete, exists, insert, select, text, tuple_, update

from adapters.sql.batches import chosen_once
from adapters.sql.tables import room_messages, rooms, users
from adapters.sql.text import storable
from adapters.sql.work import Work
from domain.errors import NotFound
from domain.live.room import KEPT, TRIMMED_EVERY, Room, RoomMessage, RoomRepository

_INSERT = insert(rooms)
_LOCK = select(rooms).where(rooms.c.name == bindparam("name")).with_for_update()
_NEXT = (
    update(rooms)
    .where(rooms.c.id == bindparam("room_id"))
    .values(last_number=rooms.c.last_number + 1)
    .returning(rooms.c.last_number)
)
_SAY = text(
    """
    INSERT INTO room_messages (room_id, number, id, author_id, text, at)
    SELECT CAST(:room_id AS uuid), CAST(:number AS bigint), CAST(:id AS uuid), users.id, CAST(:text AS text),
           CAST(:at AS timestamptz)
    FROM users WHERE users.id = CAST(:author_id AS uuid) FOR KEY SHARE
    """
)
"""On PostgreSQL; nothing where the author is gone, or goes just now: the lock waits for that, before the foreign key
finds nobody."""
_SAY_ON_SQLITE = insert(room_messages)
_AUTHOR = select(exists().where(users.c.id == bindparam("author_id")))
_TRIM = delete(room_messages).where(
    tuple_(room_messages.c.room_id, room_messages.c.number).in_(
        chosen_once(
            select(room_messages.c.room_id, room_messages.c.number)
            .where(room_messages.c.room_id == bindparam("room_id"), room_messages.c.number <= bindparam("last_old"))
            .with_for_update(skip_locked=True)  # who holds one is removing it too; waiting could be a deadlock
        )
    )
)
_LOCK_MESSAGES = (
    select(room_messages.c.number)
    .where(room_messages.c.room_id == bindparam("room_id"))
    .order_by(room_messages.c.author_id, room_messages.c.at, room_messages.c.id)
    .with_for_update()
)
"""In the order in which those of one author go with their account."""
_DELETE = delete(rooms).where(rooms.c.id == bindparam("room_id"))


class SqlRooms(RoomRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, room: Room) -> None:
        await self._work.execute(
            _INSERT,
            {
                "id": room.id,
                "name": room.name,
                "title": room.title,
                "permission": room.permission,
                "created_at": room.created_at,
                "last_number": 0,
            },
        )

    async def get(self, name: str) -> Room | None:
        if not storable(name):
            return None
        row = (await self._work.execute(_LOCK, {"name": name})).one_or_none()
        if row is None:
            return None
        return Room(id=row.id, name=row.name, title=row.title, permission=row.permission, created_at=row.created_at)

    async def remove(self, room_id: UUID) -> None:
        await self._work.execute(_LOCK_MESSAGES, {"room_id": room_id})
        await self._work.execute(_DELETE, {"room_id": room_id})

    async def next_number(self, room_id: UUID) -> int | None:
        number: int | None = (await self._work.execute(_NEXT, {"room_id": room_id})).scalar_one_or_none()
        return number

    async def say(self, message: RoomMessage) -> None:
        values = {
            "room_id": message.room_id,
            "number": message.number,
            "id": message.id,
            "author_id": message.author_id,
            "text": message.text,
            "at": message.at,
        }
        if self._work.dialect == "postgresql":
            is_said = await self._work.change(_SAY, values) > 0
        else:
            is_said = bool((await self._work.execute(_AUTHOR, {"author_id": message.author_id})).scalar_one())
            if is_said:
                await self._work.execute(_SAY_ON_SQLITE, values)
        if not is_said:
            raise self._work.spoil(NotFound("user-not-found", "There is no such user."))
        if message.number % TRIMMED_EVERY == 0:
            await self._work.execute(_TRIM, {"room_id": message.room_id, "last_old": message.number - KEPT})

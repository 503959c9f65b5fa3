"""What live connections read."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, any_, bindparam, cast, func, literal_column, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.sql.given import as_parameter, is_given, rows_of_ids
from adapters.sql.jobs import job
from adapters.sql.notification_queries import WITH_TEXTS, notification_view
from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader, Rows
from adapters.sql.tables import inboxes, jobs, notifications, room_messages, rooms, users
from adapters.sql.text import storable
from application.jobs.views import JobView
from application.live.ports import LiveQueries
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position
from application.paging import Row as Placed
from application.posts.views import AuthorView
from domain.identity.user import full_name

FEW = 50
"""Ids that are looked up on the event loop of SQLite; more are worth the way to a thread."""

_FROM_THE_FIRST: ColumnElement[Any] = literal_column("0")
"""An offset as text: SQLite's dialect would make a parameter of the one that it adds to each limit."""

_ROOM = select(rooms).where(rooms.c.name == bindparam("name"))
_MESSAGES = (
    select(
        *(room_messages.c[name] for name in ("number", "id", "author_id", "text", "at")),
        rooms.c.name.label("room"),
        users.c.username,
        users.c.first_name,
        users.c.last_name,
    )
    .join_from(room_messages, rooms, rooms.c.id == room_messages.c.room_id)
    .join(users, users.c.id == room_messages.c.author_id)
)
_IN_ROOM = _MESSAGES.where(room_messages.c.room_id == bindparam("room_id"))
_LAST_SAID = _IN_ROOM.order_by(room_messages.c.number.desc()).limit(bindparam("limit")).offset(_FROM_THE_FIRST)
_SAID_AFTER = (
    _IN_ROOM.where(room_messages.c.number > bindparam("number"))
    .order_by(room_messages.c.number)
    .limit(bindparam("limit"))
    .offset(_FROM_THE_FIRST)
)
_TOLD_AFTER = (
    WITH_TEXTS.add_columns(notifications.c.number)
    .where(notifications.c.user_id == bindparam("owner_id"), notifications.c.number > bindparam("number"))
    .order_by(notifications.c.number)
    .limit(bindparam("limit"))
    .offset(_FROM_THE_FIRST)
)


class SqlLiveQueries(LiveQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def room(self, name: str) -> RoomView | None:
        rows = await self._reader.look_up(_ROOM, {"name": name}) if storable(name) else []
        return _room(rows[0]) if rows else None

    async def rooms(
        self, held: Collection[str] | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[RoomView]]:
        statement = _rooms_page(held is not None, after is not None, self._reader.on_postgresql)
        rows = await self._reader.search(statement, {**self._held(held), **place(after, offset, limit)})
        return [Placed(Position(row.created_at, row.id), _room(row)) for row in rows]

    async def count_rooms(self, held: Collection[str] | None) -> int:
        statement = _count_rooms(held is not None, self._reader.on_postgresql)
        return int((await self._reader.search(statement, self._held(held)))[0][0])

    async def room_numbers(self, room_ids: Collection[UUID]) -> Mapping[UUID, int]:
        rows = await self._of_many(_room_numbers(self._reader.on_postgresql), room_ids)
        return {row.id: row.last_number for row in rows}

    async def last_said(self, room_id: UUID, limit: int) -> list[Numbered[RoomMessageView]]:
        rows = await self._reader.look_up(_LAST_SAID, {"room_id": room_id, "limit": limit})
        return [Numbered(row.number, _message(row)) for row in reversed(rows)]

    async def said_after(self, room_id: UUID, number: int, limit: int) -> list[Numbered[RoomMessageView]]:
        rows = await self._reader.look_up(_SAID_AFTER, {"room_id": room_id, "number": number, "limit": limit})
        return [Numbered(row.number, _message(row)) for row in rows]

    async def said_by(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[RoomMessageView]]:
        values = {"author_id": user_id, **place(after, offset, limit)}
        rows = await self._reader.search(_said_by(after is not None), values)
        return [Placed(Position(row.at, row.id), _message(row)) for row in rows]

    async def inboxes(self, user_ids: Collection[UUID]) -> Mapping[UUID, InboxState]:
        rows = await self._of_many(_inboxes(self._reader.on_postgresql), user_ids)
        return {row.value: InboxState(row.last_number or 0, row.unread) for row in rows}

    async def notifications_after(self, user_id: UUID, number: int, limit: int) -> list[Numbered[NotificationView]]:
        rows = await self._reader.look_up(_TOLD_AFTER, {"owner_id": user_id, "number": number, "limit": limit})
        return [Numbered(row.number, notification_view(row)) for row in rows]

    async def jobs(self, job_ids: Collection[UUID]) -> list[JobView]:
        on_postgresql = self._reader.on_postgresql
        rows = await self._reader.search(_jobs(on_postgresql), as_parameter(job_ids, on_postgresql))
        return [JobView.of(job(row)) for row in rows]

    async def _of_many(self, statement: Select[Any], ids: Collection[UUID]) -> Rows:
        if not ids:
            return []
        on_postgresql = self._reader.on_postgresql
        read = self._reader.look_up if on_postgresql or len(ids) <= FEW else self._reader.search
        return await read(statement, as_parameter(ids, on_postgresql))

    def _held(self, held: Collection[str] | None) -> dict[str, object]:
        return {} if held is None else {"held": [name for name in held if storable(name)]}


@lru_cache
def _rooms_page(restricted: bool, continues: bool, on_postgresql: bool) -> Select[Any]:
    statement = _open_to(select(rooms), restricted, on_postgresql)
    return paged(statement, rooms.c.created_at, rooms.c.id, descending=True, continues=continues)


@lru_cache
def _count_rooms(restricted: bool, on_postgresql: bool) -> Select[Any]:
    return _open_to(select(func.count()).select_from(rooms), restricted, on_postgresql)


def _open_to(statement: Select[Any], restricted: bool, on_postgresql: bool) -> Select[Any]:
    if not restricted:
        return statement
    is_held = (
        rooms.c.permission == any_(cast(bindparam("held"), ARRAY(Text)))
        if on_postgresql
        else rooms.c.permission.in_(bindparam("held", expanding=True))
    )
    return statement.where(or_(rooms.c.permission.is_(None), is_held))


@lru_cache
def _room_numbers(on_postgresql: bool) -> Select[Any]:
    return select(rooms.c.id, rooms.c.last_number).where(is_given(rooms.c.id, on_postgresql))


@lru_cache
def _said_by(continues: bool) -> Select[Any]:
    statement = _MESSAGES.where(room_messages.c.author_id == bindparam("author_id"))
    return paged(statement, room_messages.c.at, room_messages.c.id, descending=True, continues=continues)


@lru_cache
def _inboxes(on_postgresql: bool) -> Select[Any]:
    given = rows_of_ids(on_postgresql)
    unread = (
        select(func.count())
        .select_from(notifications)
        .where(notifications.c.user_id == given.c.value, notifications.c.read_at.is_(None))
        .scalar_subquery()
    )
    return select(given.c.value, inboxes.c.last_number, unread.label("unread")).select_from(
        given.outerjoin(inboxes, inboxes.c.user_id == given.c.value)
    )


@lru_cache
def _jobs(on_postgresql: bool) -> Select[Any]:
    """Those that are unfinished come by an index that has no others."""
    unfinished = select(jobs.c.id).where(jobs.c.due_at.is_not(None), jobs.c.owner_id.is_not(None))
    chosen = union(unfinished, select(rows_of_ids(on_postgresql).c.value))
    found = select(jobs).where(jobs.c.id.in_(chosen), jobs.c.event_id.is_(None))
    return found.order_by(jobs.c.created_at, jobs.c.id)


def _room(row: Row[Any]) -> RoomView:
    return RoomView(id=row.id, name=row.name, title=row.title, permission=row.permission, created_at=row.created_at)


def _message(row: Row[Any]) -> RoomMessageView:
    return RoomMessageView(
        id=row.id,
        room=row.room,
        author=AuthorView(row.author_id, row.username, full_name(row.first_name, row.last_name, row.username)),
        text=row.text,
        at=row.at,
    )

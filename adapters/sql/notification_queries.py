"""The read side of notifications."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select

from adapters.sql.notifications import preferences
from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.tables import broadcasts, notification_preferences, notifications
from application.notifications.ports import NotificationQueries
from application.notifications.views import NotificationView, Owned
from application.paging import Position
from application.paging import Row as Placed
from domain.notifications.preferences import Preferences

WITH_TEXTS = select(
    notifications.c.id,
    notifications.c.user_id,
    notifications.c.kind,
    notifications.c.created_at,
    notifications.c.read_at,
    func.coalesce(notifications.c.title, broadcasts.c.title).label("title"),
    func.coalesce(notifications.c.body, broadcasts.c.body).label("body"),
).select_from(notifications.outerjoin(broadcasts, broadcasts.c.id == notifications.c.broadcast_id))
_NOTIFICATION = WITH_TEXTS.where(notifications.c.id == bindparam("notification_id"))
_PREFERENCES = select(notification_preferences).where(notification_preferences.c.user_id == bindparam("owner_id"))
_CONDITIONS: Mapping[bool | None, tuple[ColumnElement[bool], ...]] = {
    None: (),
    True: (notifications.c.read_at.is_(None),),
    False: (notifications.c.read_at.is_not(None),),
}


class SqlNotificationQueries(NotificationQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def notification(self, notification_id: UUID) -> Owned | None:
        rows = await self._reader.search(_NOTIFICATION, {"notification_id": notification_id})
        return Owned(rows[0].user_id, notification_view(rows[0])) if rows else None

    async def notifications(
        self, user_id: UUID, unread: bool | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[NotificationView]]:
        values = {"owner_id": user_id, **place(after, offset, limit)}
        rows = await self._reader.search(_page(unread, after is not None), values)
        return [Placed(Position(row.created_at, row.id), notification_view(row)) for row in rows]

    async def count(self, user_id: UUID, unread: bool | None) -> int:
        return int((await self._reader.search(_count(unread), {"owner_id": user_id}))[0][0])

    async def preferences(self, user_id: UUID) -> Preferences:
        return preferences(user_id, await self._reader.search(_PREFERENCES, {"owner_id": user_id}))


@lru_cache
def _page(unread: bool | None, continues: bool) -> Select[Any]:
    return paged(
        _of_one(WITH_TEXTS, unread),
        notifications.c.created_at,
        notifications.c.id,
        descending=True,
        continues=continues,
    )


@lru_cache
def _count(unread: bool | None) -> Select[Any]:
    return _of_one(select(func.count()).select_from(notifications), unread)


def _of_one(statement: Select[Any], unread: bool | None) -> Select[Any]:
    return statement.where(notifications.c.user_id == bindparam("owner_id"), *_CONDITIONS[unread])


def notification_view(row: Row[Any]) -> NotificationView:
    return NotificationView(
        id=row.id,
        kind=row.kind,
        title=row.title,
        body=row.body,
        created_at=row.created_at,
        read_at=row.read_at,
    )

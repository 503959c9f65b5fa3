"""Notifications, broadcasts and preferences within a unit of work."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql.batches import chosen_once
from adapters.sql.tables import broadcasts, notification_preferences, notifications, users
from adapters.sql.work import Work
from domain.notifications.notification import Broadcast, Broadcasts, Kind, Notification, Notifications, Recipient
from domain.notifications.preferences import DEFAULTS, Choice, Preferences, PreferencesRepository

_INSERT = insert(notifications)
_MARK_READ = (
    update(notifications)
    .where(notifications.c.id == bindparam("notification_id"))
    .values(read_at=func.coalesce(notifications.c.read_at, bindparam("at", type_=notifications.c.read_at.type)))
    .returning(notifications.c.read_at)
)
_MARK_ALL_READ = (
    update(notifications)
    .where(notifications.c.user_id == bindparam("owner_id"), notifications.c.read_at.is_(None))
    .values(read_at=bindparam("at", type_=notifications.c.read_at.type))
)
_DELETE_OLD = delete(notifications).where(
    notifications.c.id.in_(
        chosen_once(
            select(notifications.c.id)
            .where(
                or_(
                    notifications.c.created_at <= bindparam("before"),
                    and_(notifications.c.read_at.is_not(None), notifications.c.read_at <= bindparam("read_before")),
                )
            )
            .limit(bindparam("limit"))
        )
    )
)

_INSERT_BROADCAST = insert(broadcasts)
_LOCK_BROADCAST = select(broadcasts).where(broadcasts.c.id == bindparam("broadcast_id")).with_for_update()
_UPDATE_BROADCAST = update(broadcasts).where(broadcasts.c.id == bindparam("broadcast_id"))
_AUDIENCE = select(func.count()).select_from(users).where(users.c.is_active)
_DELIVER = {
    "postgresql": postgresql.insert(notifications).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(notifications).on_conflict_do_nothing(),
}
_DELETE_OLD_BROADCASTS = delete(broadcasts).where(
    broadcasts.c.id.in_(
        chosen_once(
            select(broadcasts.c.id)
            .where(
                broadcasts.c.created_at <= bindparam("before"),
                ~exists().where(notifications.c.broadcast_id == broadcasts.c.id).correlate(broadcasts),
            )
            .limit(bindparam("limit"))
        )
    )
)

_PREFERENCES = select(notification_preferences).where(notification_preferences.c.user_id == bindparam("owner_id"))


class SqlNotifications(Notifications):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, notification: Notification) -> None:
        await self._work.execute(
            _INSERT,
            {
                "id": notification.id,
                "user_id": notification.user_id,
                "kind": notification.kind.value,
                "title": notification.title,
                "body": notification.body,
                "created_at": notification.created_at,
                "read_at": notification.read_at,
            },
        )

    async def mark_read(self, notification_id: UUID, at: datetime) -> datetime | None:
        values = {"notification_id": notification_id, "at": at}
        read_at: datetime | None = (await self._work.execute(_MARK_READ, values)).scalar_one_or_none()
        return read_at

    async def mark_all_read(self, user_id: UUID, at: datetime) -> int:
        return (await self._work.execute(_MARK_ALL_READ, {"owner_id": user_id, "at": at})).rowcount

    async def remove_old(self, *, read_before: datetime, before: datetime, limit: int) -> int:
        values = {"read_before": read_before, "before": before, "limit": limit}
        return (await self._work.execute(_DELETE_OLD, values)).rowcount


class SqlBroadcasts(Broadcasts):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, broadcast: Broadcast) -> None:
        values = {"id": broadcast.id, "title": broadcast.title, "body": broadcast.body}
        await self._work.execute(
            _INSERT_BROADCAST, {**values, "created_at": broadcast.created_at, **_how_far(broadcast)}
        )

    async def get(self, broadcast_id: UUID) -> Broadcast | None:
        row = (await self._work.execute(_LOCK_BROADCAST, {"broadcast_id": broadcast_id})).one_or_none()
        if row is None:
            return None
        return Broadcast(
            id=row.id,
            title=row.title,
            body=row.body,
            created_at=row.created_at,
            reached=row.reached,
            done=row.done,
            sent=row.sent,
        )

    async def audience(self) -> int:
        return int((await self._work.execute(_AUDIENCE)).scalar_one())

    async def next_members(self, after: UUID | None, limit: int) -> Sequence[Recipient]:
        values = {"limit": limit} if after is None else {"after": after, "limit": limit}
        default = DEFAULTS[Kind.BROADCAST]
        return [
            Recipient(
                row.id,
                default.in_app if row.in_app is None else row.in_app,
                default.mail if row.mail is None else row.mail,
            )
            for row in await self._work.execute(_next_members(after is not None), values)
        ]

    async def deliver(self, broadcast: Broadcast, notifications: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
        if notifications:
            shared = {
                "kind": Kind.BROADCAST.value,
                "broadcast_id": broadcast.id,
                "title": None,
                "body": None,
                "created_at": at,
                "read_at": None,
            }
            rows = [{"id": id, "user_id": user_id, **shared} for id, user_id in notifications]
            await self._work.execute(_DELIVER[self._work.dialect], rows)

    async def save(self, broadcast: Broadcast) -> None:
        await self._work.execute(_UPDATE_BROADCAST, {"broadcast_id": broadcast.id, **_how_far(broadcast)})

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        return (await self._work.execute(_DELETE_OLD_BROADCASTS, {"before": time, "limit": limit})).rowcount


class SqlPreferences(PreferencesRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def of(self, user_id: UUID) -> Preferences:
        return preferences(user_id, await self._work.execute(_PREFERENCES, {"owner_id": user_id}))

    async def choose(self, user_id: UUID, kind: Kind, choice: Choice) -> None:
        values = {"user_id": user_id, "kind": kind.value, "in_app": choice.in_app, "mail": choice.mail, "changes": 1}
        await self._work.execute(_CHOOSE[self._work.dialect], values)


def preferences(user_id: UUID, rows: Iterable[Row[Any]]) -> Preferences:
    """From what is stored; a kind that a later version knew is left alone."""
    chosen, version = {}, 1
    known = {kind.value: kind for kind in Kind}
    for row in rows:
        version += row.changes
        if row.kind in known:
            chosen[known[row.kind]] = Choice(row.in_app, row.mail)
    return Preferences(user_id, chosen, version)


def _how_far(broadcast: Broadcast) -> dict[str, object]:
    return {"reached": broadcast.reached, "done": broadcast.done, "sent": broadcast.sent}


@lru_cache
def _next_members(continues: bool) -> Select[Any]:
    """With a lock that only keeps them from being deleted meanwhile: what is written names them."""
    chosen = notification_preferences
    statement = (
        select(users.c.id, chosen.c.in_app, chosen.c.mail)
        .select_from(users)
        .outerjoin(chosen, and_(chosen.c.user_id == users.c.id, chosen.c.kind == Kind.BROADCAST.value))
        .where(users.c.is_active)
    )
    if continues:
        statement = statement.where(users.c.id > bindparam("after"))
    return statement.order_by(users.c.id).limit(bindparam("limit")).with_for_update(read=True, key_share=True, of=users)


def _choosing(insertion: Any) -> Any:
    return insertion.on_conflict_do_update(
        index_elements=["user_id", "kind"],
        set_={
            "in_app": insertion.excluded.in_app,
            "mail": insertion.excluded.mail,
            "changes": notification_preferences.c.changes + 1,
        },
    )


_CHOOSE = {
    "postgresql": _choosing(postgresql.insert(notification_preferences)),
    "sqlite": _choosing(sqlite.insert(notification_preferences)),
}

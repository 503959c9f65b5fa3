"""Notifications, broadcasts and preferences within a unit of work."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql.batches import chosen_once
from adapters.sql.tables import broadcasts, inboxes, notification_preferences, notifications, users
from adapters.sql.work import Work
from domain.notifications.notification import Broadcast, Broadcasts, Kind, Notification, Notifications, Recipient
from domain.notifications.preferences import DEFAULTS, Choice, Preferences, PreferencesRepository

_ADD = text(
    """
    WITH member AS (
        SELECT id FROM users WHERE id = CAST(:user_id AS uuid) FOR KEY SHARE
    ), inbox AS (
        INSERT INTO inboxes (user_id, last_number) SELECT id, 1 FROM member
        ON CONFLICT (user_id) DO UPDATE SET last_number = inboxes.last_number + 1
        RETURNING last_number
    )
    INSERT INTO notifications (id, user_id, number, kind, title, body, created_at, read_at)
    SELECT CAST(:id AS uuid), CAST(:user_id AS uuid), inbox.last_number, CAST(:kind AS text), CAST(:title AS text),
           CAST(:body AS text), CAST(:created_at AS timestamptz), CAST(:read_at AS timestamptz)
    FROM inbox RETURNING number
    """
)
"""A notification with its number in one round trip, on PostgreSQL. The account is locked before the inbox, as by who
deletes it."""
_raised = sqlite.insert(inboxes).values(user_id=bindparam("owner_id"), last_number=1)
_RAISE = _raised.on_conflict_do_update(
    index_elements=["user_id"], set_={"last_number": inboxes.c.last_number + 1}
).returning(inboxes.c.last_number)
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
_DELIVER = text(
    """
    WITH wanted AS (
        SELECT given.id, given.user_id
        FROM unnest(CAST(:ids AS uuid[]), CAST(:user_ids AS uuid[])) AS given(id, user_id)
        WHERE NOT EXISTS (
            SELECT FROM notifications AS got
            WHERE got.broadcast_id = CAST(:broadcast_id AS uuid) AND got.user_id = given.user_id
        )
    ), numbered AS (
        INSERT INTO inboxes (user_id, last_number) SELECT user_id, 1 FROM wanted ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last_number = inboxes.last_number + 1
        RETURNING user_id, last_number
    )
    INSERT INTO notifications (id, user_id, number, kind, broadcast_id, created_at)
    SELECT wanted.id, wanted.user_id, numbered.last_number, CAST(:kind AS text), CAST(:broadcast_id AS uuid),
           CAST(:created_at AS timestamptz)
    FROM wanted JOIN numbered ON numbered.user_id = wanted.user_id
    ON CONFLICT DO NOTHING
    """
)
"""A whole chunk in one round trip, on PostgreSQL."""
_WANTED = """
    SELECT given.value ->> 0 AS id, given.value ->> 1 AS user_id FROM json_each(:given) AS given
    WHERE NOT EXISTS (
        SELECT 1 FROM notifications AS got
        WHERE got.broadcast_id = :broadcast_id AND got.user_id = given.value ->> 1
    )
"""
_RAISE_MANY = text(
    f"""
    INSERT INTO inboxes (user_id, last_number) SELECT user_id, 1 FROM ({_WANTED}) WHERE true
    ON CONFLICT (user_id) DO UPDATE SET last_number = inboxes.last_number + 1
    """  # noqa: S608
).bindparams(bindparam("broadcast_id", type_=notifications.c.broadcast_id.type))
_DELIVER_MANY = text(
    f"""
    INSERT INTO notifications (id, user_id, number, kind, broadcast_id, created_at)
    SELECT wanted.id, wanted.user_id, inboxes.last_number, :kind, :broadcast_id, :created_at
    FROM ({_WANTED}) AS wanted JOIN inboxes ON inboxes.user_id = wanted.user_id
    """  # noqa: S608
).bindparams(
    bindparam("broadcast_id", type_=notifications.c.broadcast_id.type),
    bindparam("created_at", type_=notifications.c.created_at.type),
)
"""The same on SQLite, in two statements."""
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

    async def add(self, notification: Notification) -> int:
        """Raises LookupError where the member is not there."""
        values = {
            "id": notification.id,
            "user_id": notification.user_id,
            "kind": notification.kind.value,
            "title": notification.title,
            "body": notification.body,
            "created_at": notification.created_at,
            "read_at": notification.read_at,
        }
        if self._work.dialect == "postgresql":
            number: int | None = (await self._work.execute(_ADD, values)).scalar_one_or_none()
            if number is None:
                raise LookupError(f"There is no user {notification.user_id} to be told.")
            return number
        number = int((await self._work.execute(_RAISE, {"owner_id": notification.user_id})).scalar_one())
        await self._work.execute(_INSERT, {**values, "number": number})
        return number

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
        if not notifications:
            return
        shared = {"kind": Kind.BROADCAST.value, "broadcast_id": broadcast.id, "created_at": at}
        if self._work.dialect == "postgresql":
            ids, user_ids = zip(*notifications, strict=True)
            await self._work.execute(_DELIVER, {**shared, "ids": list(ids), "user_ids": list(user_ids)})
        else:
            given = json.dumps([(id.hex, user_id.hex) for id, user_id in notifications])
            await self._work.execute(_RAISE_MANY, {"given": given, "broadcast_id": broadcast.id})
            await self._work.execute(_DELIVER_MANY, {**shared, "given": given})

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

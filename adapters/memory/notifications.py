"""Notifications, broadcasts, and what members want to be told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.paging import page
from application.notifications.ports import NotificationQueries
from application.notifications.views import NotificationView, Owned
from application.paging import Position, Row
from domain.notifications.notification import Broadcast, Broadcasts, Kind, Notification, Notifications, Recipient
from domain.notifications.preferences import Choice, Preferences, PreferencesRepository


class MemoryNotifications(Notifications):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, notification: Notification) -> int:
        if self._changes.users.get(notification.user_id) is None:
            raise LookupError(f"There is no user {notification.user_id} to be told.")
        return _add(self._changes, notification)

    async def mark_read(self, notification_id: UUID, at: datetime) -> datetime | None:
        found = self._changes.notifications.get(notification_id)
        if found is None:
            return None
        read_at = found.read_at or at
        self._changes.notifications.put(notification_id, replace(found, read_at=read_at))
        return read_at

    async def mark_all_read(self, user_id: UUID, at: datetime) -> int:
        unread = [n for n in self._changes.notifications.values() if n.user_id == user_id and n.read_at is None]
        for notification in unread:
            self._changes.notifications.put(notification.id, replace(notification, read_at=at))
        return len(unread)

    async def remove_old(self, *, read_before: datetime, before: datetime, limit: int) -> int:
        old = [
            n.id
            for n in self._changes.notifications.values()
            if n.created_at <= before or (n.read_at is not None and n.read_at <= read_before)
        ]
        return sum([remove(self._changes, notification_id) for notification_id in old[:limit]])


def _add(changes: Changes, notification: Notification) -> int:
    """With the next number of its member."""
    number = (changes.inboxes.get(notification.user_id) or 0) + 1
    changes.notifications.add(notification.id, notification)
    changes.notification_numbers.put(notification.id, number)
    changes.inboxes.put(notification.user_id, number)
    return number


def remove(changes: Changes, notification_id: UUID) -> bool:
    """Whether it was there."""
    changes.notification_numbers.remove(notification_id)
    return changes.notifications.remove(notification_id)


class MemoryBroadcasts(Broadcasts):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, broadcast: Broadcast) -> None:
        self._changes.broadcasts.add(broadcast.id, broadcast)

    async def get(self, broadcast_id: UUID) -> Broadcast | None:
        return self._changes.broadcasts.get(broadcast_id)

    async def audience(self) -> int:
        return sum(user.is_active for user in self._changes.users.values())

    async def next_members(self, after: UUID | None, limit: int) -> Sequence[Recipient]:
        ids = sorted(u.id for u in self._changes.users.values() if u.is_active and (after is None or u.id > after))
        choices = [(user_id, preferences_of(self._changes.preferences.items(), user_id)) for user_id in ids[:limit]]
        return [
            Recipient(user_id, chosen.of(Kind.BROADCAST).in_app, chosen.of(Kind.BROADCAST).mail)
            for user_id, chosen in choices
        ]

    async def deliver(self, broadcast: Broadcast, notifications: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
        got = {n.user_id for n in self._changes.notifications.values() if n.broadcast_id == broadcast.id}
        for notification_id, user_id in notifications:
            if user_id not in got:
                made = Notification(
                    id=notification_id,
                    user_id=user_id,
                    kind=Kind.BROADCAST,
                    title=broadcast.title,
                    body=broadcast.body,
                    created_at=at,
                    broadcast_id=broadcast.id,
                )
                _add(self._changes, made)

    async def save(self, broadcast: Broadcast) -> None:
        self._changes.broadcasts.put(broadcast.id, broadcast)

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        used = {notification.broadcast_id for notification in self._changes.notifications.values()}
        old = [b.id for b in self._changes.broadcasts.values() if b.created_at <= time and b.id not in used]
        return sum([self._changes.broadcasts.remove(broadcast_id) for broadcast_id in old[:limit]])


class MemoryPreferences(PreferencesRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def of(self, user_id: UUID) -> Preferences:
        return preferences_of(self._changes.preferences.items(), user_id)

    async def choose(self, user_id: UUID, kind: Kind, choice: Choice) -> None:
        if self._changes.users.get(user_id) is None:
            raise LookupError(f"There is no user {user_id} who could choose.")
        stored = self._changes.preferences.get((user_id, kind))
        self._changes.preferences.put((user_id, kind), (choice, 1 if stored is None else stored[1] + 1))


def preferences_of(stored: Sequence[tuple[tuple[UUID, Kind], tuple[Choice, int]]], user_id: UUID) -> Preferences:
    own = {kind: value for (owner, kind), value in stored if owner == user_id}
    chosen = {kind: choice for kind, (choice, _) in own.items()}
    return Preferences(user_id, chosen, 1 + sum(changes for _, changes in own.values()))


class MemoryNotificationQueries(NotificationQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def notification(self, notification_id: UUID) -> Owned | None:
        found = self._database.notifications.get(notification_id)
        return Owned(found.user_id, NotificationView.of(found)) if found else None

    async def notifications(
        self, user_id: UUID, unread: bool | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[NotificationView]]:
        rows = [Row(Position(n.created_at, n.id), NotificationView.of(n)) for n in self._of(user_id, unread)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count(self, user_id: UUID, unread: bool | None) -> int:
        return len(self._of(user_id, unread))

    async def preferences(self, user_id: UUID) -> Preferences:
        return preferences_of(list(self._database.preferences.items()), user_id)

    def _of(self, user_id: UUID, unread: bool | None) -> list[Notification]:
        return [
            n
            for n in self._database.notifications.values()
            if n.user_id == user_id and unread in (None, n.read_at is None)
        ]

"""The read side of notifications."""

from typing import Protocol
from uuid import UUID

from application.notifications.views import NotificationView, Owned
from application.paging import Position, Row
from domain.notifications.preferences import Preferences


class NotificationQueries(Protocol):
    """Views, outside of any unit of work."""

    async def notification(self, notification_id: UUID) -> Owned | None: ...

    async def notifications(
        self, user_id: UUID, unread: bool | None, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[NotificationView]]:
        """Of one member: the unread ones (True), the read ones (False), or all; newest first, ties by id downwards."""
        ...

    async def count(self, user_id: UUID, unread: bool | None) -> int: ...

    async def preferences(self, user_id: UUID) -> Preferences: ...

"""What members get to see of their notifications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.identity.views import Versioned
from application.paging import Page
from domain.notifications.notification import Kind, Notification
from domain.notifications.preferences import Choice, Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """`kind` is text here: a newer version, on the same database, may know more of them. `read_at` null: unread."""

    id: UUID
    kind: str
    title: str
    body: str
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, notification: Notification) -> "NotificationView":
        return cls(
            id=notification.id,
            kind=notification.kind.value,
            title=notification.title,
            body=notification.body,
            created_at=notification.created_at,
            read_at=notification.read_at,
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """A notification, and whose it is."""

    user_id: UUID
    value: NotificationView


@dataclass(frozen=True, slots=True)
class Inbox(Page[NotificationView]):
    """A page, and how many are unread in all, whatever the page shows."""

    items: Sequence[NotificationView]  # said again: a description of the fields sees no more than the parent's
    unread: int

    @classmethod
    def with_count(cls, page: Page[NotificationView], unread: int) -> "Inbox":
        return cls(page.items, page.next_cursor, page.total, page.page, page.page_size, page.pages, unread)


def shown_preferences(preferences: Preferences) -> Versioned[Mapping[str, Choice]]:
    """Every kind there is, by its name."""
    return Versioned({kind.value: preferences.of(kind) for kind in Kind}, preferences.version)

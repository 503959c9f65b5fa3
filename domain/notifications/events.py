"""What happens to notifications, and has to be told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class NotificationMailed(Event):
    """The member chose to get this by mail. It holds the text, for there may be no notification to look it up in."""

    name: ClassVar[str] = "notification.mailed"
    user_id: UUID
    title: str
    body: str

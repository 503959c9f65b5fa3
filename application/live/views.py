"""What members see of rooms, and of what is said there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from application.identity.views import Versioned
from application.posts.views import AuthorView
from domain.live.room import Room

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomView:
    """`permission` null: it is open to every member."""

    id: UUID
    name: str
    title: str
    permission: str | None
    created_at: datetime

    @classmethod
    def of(cls, room: Room) -> "RoomView":
        return cls(id=room.id, name=room.name, title=room.title, permission=room.permission, created_at=room.created_at)


def shown_room(room: Room) -> Versioned[RoomView]:
    """Rooms are not changed, only made and closed: there is one version."""
    return Versioned(RoomView.of(room), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMessageView:
    """`author` is who said it."""

    id: UUID
    room: str
    author: AuthorView
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Numbered(Generic[T]):
    """Its place among those of the same member or room: each comes behind all that were seen before."""

    number: int
    value: T


@dataclass(frozen=True, slots=True)
class InboxState:
    """Of one member: the number of the latest notification (0: there was none), and how many are unread."""

    number: int
    unread: int

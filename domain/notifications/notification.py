"""Notifications: a title and a text for one member, or for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.text import line, paragraphs

LONGEST_TITLE = 200
LONGEST_BODY = 4_000


class Kind(Enum):
    """What a notification is about; `message` and `broadcast` are what administrators write."""

    WELCOME = "welcome"
    SIGN_IN = "sign-in"
    ORDER = "order"
    JOB = "job"
    MESSAGE = "message"
    BROADCAST = "broadcast"


def checked(title: str, body: str) -> None:
    """Raises Invalid: the title is not a line of 1 to 200 characters, or the body not a text of 1 to 4,000."""
    line(title, pointer="/title", longest=LONGEST_TITLE)
    paragraphs(body, pointer="/body", longest=LONGEST_BODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """`read_at` None: unread. `broadcast_id` names the broadcast that it comes from, where it comes from one.

    Raises:
        Invalid: title or body cannot be shown.
    """

    id: UUID
    user_id: UUID
    kind: Kind
    title: str
    body: str
    created_at: datetime
    read_at: datetime | None = None
    broadcast_id: UUID | None = None

    def __post_init__(self) -> None:
        checked(self.title, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """To every active member, in the order of their ids. `reached` is the last member that it came to, `done` how many
    members it has come to, and `sent` how many of them wanted it here or by mail.

    Raises:
        Invalid: title or body cannot be shown.
    """

    id: UUID
    title: str
    body: str
    created_at: datetime
    reached: UUID | None = None
    done: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        checked(self.title, self.body)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Of a broadcast, and where they want it."""

    user_id: UUID
    in_app: bool
    mail: bool


class Notifications(Protocol):
    """Notifications within a unit of work."""

    async def add(self, notification: Notification) -> int:
        """The number that it gets among those of the member, who has to be there; call it when their account is locked.

        Whoever else wants a number of the same member waits until the unit of work ends. So notifications are seen in
        the order of their numbers, and who has seen one has seen all before it. Ids are made before anybody waits: of
        two units of work the later id may be committed first, and whoever goes on from there misses the other one.
        """
        ...

    async def mark_read(self, notification_id: UUID, at: datetime) -> datetime | None:
        """When it was read: at that time, or before. None where it is not there."""
        ...

    async def mark_all_read(self, user_id: UUID, at: datetime) -> int:
        """How many were unread."""
        ...

    async def remove_old(self, *, read_before: datetime, before: datetime, limit: int) -> int:
        """Some that were read before, or made before the other time; how many they were."""
        ...


class Broadcasts(Protocol):
    """Broadcasts within a unit of work."""

    async def add(self, broadcast: Broadcast) -> None: ...

    async def get(self, broadcast_id: UUID) -> Broadcast | None:
        """The broadcast, locked until the unit of work ends."""
        ...

    async def audience(self) -> int:
        """How many members are active."""
        ...

    async def next_members(self, after: UUID | None, limit: int) -> Sequence[Recipient]:
        """The active members behind that one, by their ids; they stay until the unit of work ends."""
        ...

    async def deliver(self, broadcast: Broadcast, notifications: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
        """A notification (by its id) for each of these members, but for those who have got one of this broadcast. They
        get numbers as `Notifications.add` gives them, in the order of the members' ids: who waits, waits for nobody
        who waits for them."""
        ...

    async def save(self, broadcast: Broadcast) -> None:
        """How far it has come."""
        ...

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        """Some that were made before, and of which no notification is left; how many they were."""
        ...

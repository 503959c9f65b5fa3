"""Rooms, and what is said in them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Invalid
from domain.text import line, paragraphs

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 50
LONGEST_TITLE = 100
LONGEST_TEXT = 4_000

SHOWN_ON_JOINING = 50
"""The last messages of a room, for whoever comes in."""
KEPT = 1_000
"""Messages of a room that are kept, for whoever comes back after a while."""
TRIMMED_EVERY = 100
"""Messages after which the older ones are removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """`permission` is what its members have to hold; None: it is open to every member.

    Raises:
        Invalid: `bad-room-name`; the title is not a line of 1 to 100 characters.
    """

    id: UUID
    name: str
    title: str
    permission: str | None
    created_at: datetime

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME or not NAME.fullmatch(self.name):
            raise Invalid.field(
                "bad-room-name", "/name", "A name has small letters, digits and hyphens between them; 50 at most."
            )
        line(self.title, pointer="/title", longest=LONGEST_TITLE)


def checked_text(text: str) -> str:
    """Raises Invalid: it is not a text of 1 to 4,000 characters."""
    paragraphs(text, pointer="/text", longest=LONGEST_TEXT)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMessage:
    """Those of a room are numbered in the order in which they were committed; there may be gaps."""

    id: UUID
    room_id: UUID
    number: int
    author_id: UUID
    text: str
    at: datetime


class RoomRepository(Protocol):
    """Rooms within a unit of work."""

    async def add(self, room: Room) -> None:
        """Raises Conflict (`room-taken`)."""
        ...

    async def get(self, name: str) -> Room | None:
        """The room, locked until the unit of work ends."""
        ...

    async def remove(self, room_id: UUID) -> None:
        """With all that was said in it. Call it for one that was got here."""
        ...

    async def next_number(self, room_id: UUID) -> int | None:
        """For the next message. Whoever else wants one waits until the unit of work ends; so a message is only seen
        once all before it are. None where the room is gone."""
        ...

    async def say(self, message: RoomMessage) -> None:
        """Add it; when its number is a multiple of `TRIMMED_EVERY`, remove what is `KEPT` numbers older, or more.

        Raises:
            NotFound: `user-not-found`; its author is gone meanwhile.
        """
        ...

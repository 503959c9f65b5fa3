"""Cursors: up to where somebody has seen the notifications of a member, or what was said in a room."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.errors import Invalid

GOOD_FOR = timedelta(days=30)
"""Within this time nothing that was missed can have been swept: read notifications are kept for longer."""
MOST = 50
"""Cursors in one text."""

_CURSOR = re.compile(r"([0-9a-f]{8})-([0-9a-f]{1,15})-([0-9a-f]{1,10})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """`stream` tells whose, or which room's; `number` is that of the last one seen, and `at` when that was, in whole
    seconds."""

    stream: str
    number: int
    at: datetime

    @classmethod
    def of(cls, thing: UUID, number: int, at: datetime) -> "Cursor":
        return cls(stream_of(thing), number, at)

    def __str__(self) -> str:
        return f"{self.stream}-{self.number:x}-{int(self.at.timestamp()):x}"


def stream_of(thing: UUID) -> str:
    """The random end of the id; so a cursor of a room that was closed says nothing of a new one by the same name."""
    return thing.hex[-8:]


def read_cursors(text: str) -> Mapping[str, Cursor]:
    """One cursor, or several with commas between them, by their streams.

    Raises:
        Invalid: `bad-cursor`.
    """
    parts = [_CURSOR.fullmatch(part) for part in text.split(",", MOST)]
    found = [Cursor(match[1], int(match[2], 16), _time(match[3])) for match in parts if match]
    if len(found) < len(parts) or len(parts) > MOST:
        raise Invalid.field("bad-cursor", "/since", "This is not a cursor of ours; take it as it came.")
    return {cursor.stream: cursor for cursor in found}


def _time(text: str) -> datetime:
    """Whatever a number says that is no time of ours, it is long ago."""
    try:
        return datetime.fromtimestamp(int(text, 16), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)

"""What one process tells all others once it is committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID


class Topic(Enum):
    """What it is about, and whose id `Told.about` is."""

    ROOM = "room"
    """A room: `number` and `message` of what was said; or `closed`."""
    PRESENCE = "presence"
    """A room: who of one process is in it."""
    INBOX = "inbox"
    """A member: `number` and `notification`; or nothing, when some were read."""
    INBOXES = "inboxes"
    """A broadcast, a part of which came to many members."""
    JOB = "job"
    """A member: `job`, as it is now."""


@dataclass(frozen=True, slots=True)
class Told:
    """`data` is JSON."""

    topic: Topic
    about: UUID
    data: Mapping[str, Any]

"""What is told to clients, and how a connection ends."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

from domain.errors import MoothallError, Throttled, Unavailable


class Outgoing:
    """A message, made once however many get it. `cursor` is where whoever has seen it goes on."""

    __slots__ = ("cursor", "message", "text")

    def __init__(self, kind: str, cursor: str | None = None, /, **fields: Any) -> None:
        self.cursor = cursor
        self.message = {"type": kind, **fields} if cursor is None else {"type": kind, **fields, "cursor": cursor}
        self.text = json.dumps(self.message, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def refusal(cls, error: MoothallError, **about: Any) -> "Outgoing":
        """An error, as it is told to whose doing it was."""
        more = {"retry_after": error.retry_after} if isinstance(error, Throttled | Unavailable) else {}
        return cls("error", code=error.code, detail=error.detail, **more, **about)


class Ending(Enum):
    """Why a connection is closed by us."""

    SIGNED_OUT = "signed-out"
    """Nobody is signed in, or no longer."""
    DEMOTED = "demoted"
    """They may less than when they came; they can come again with what is left."""
    RESTARTING = "restarting"
    TOO_SLOW = "too-slow"
    """They read less than they are told."""


Tell = Callable[[Outgoing], None]
"""Hands a message to a client, and never waits: one who does not keep up is put out."""
End = Callable[[Ending], None]
"""Closes the connection; the second time does nothing."""

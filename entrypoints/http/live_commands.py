"""What clients say over a WebSocket: from a message to a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.live.connection import Connection
from application.live.outgoing import Outgoing
from domain.errors import Invalid
from domain.live.cursor import Cursor, read_cursors

FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "auth": (frozenset({"token"}), frozenset({"since"})),
    "join": (frozenset({"room"}), frozenset({"since"})),
    "leave": (frozenset({"room"}), frozenset()),
    "say": (frozenset({"room", "text"}), frozenset()),
    "who": (frozenset({"room"}), frozenset()),
    "ping": (frozenset(), frozenset()),
}
"""The types of messages that there are, with the fields that each has to have, and may have; all are texts."""

PONG = Outgoing("pong")


class Gibberish(Exception):
    """No message at all: a client that speaks something else."""


@dataclass(frozen=True, slots=True)
class Command:
    type: str
    fields: Mapping[str, str]

    @property
    def since(self) -> Mapping[str, Cursor]:
        """Raises Invalid (`bad-cursor`)."""
        return cursors(self.fields.get("since"))

    async def carry_out(self, connection: Connection) -> None:
        """Raises what the connection does."""
        room = self.fields.get("room", "")
        match self.type:
            case "join":
                await connection.join(room, self.since)
            case "leave":
                connection.leave(room)
            case "say":
                await connection.say(room, self.fields["text"])
            case "who":
                connection.who(room)
            case "ping":
                connection.tell(PONG)
            case _:
                raise Invalid.field("already-signed-in", "/type", "This connection is signed in already.")


def read_command(text: str) -> Command:
    """Raises Gibberish, and Invalid (`unknown-type`, `invalid-input`)."""
    try:
        message: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise Gibberish("This is not JSON.") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Gibberish("A message is an object with a type.")
    kind = message.pop("type")
    if kind not in FIELDS:
        raise Invalid.field("unknown-type", "/type", f"There are {', '.join(FIELDS)}.")
    needed, optional = FIELDS[kind]
    for name in sorted(needed - message.keys()):
        raise Invalid.field("invalid-input", f"/{name}", f"{kind} has to have {name}.")
    for name, value in message.items():
        if name not in needed | optional:
            raise Invalid.field("invalid-input", f"/{name[:50]}", f"{kind} has no such field.")
        if not isinstance(value, str):
            raise Invalid.field("invalid-input", f"/{name}", "This is a text.")
    return Command(kind, message)


def cursors(text: str | None) -> Mapping[str, Cursor]:
    """By their streams; none where there is no text. Raises Invalid (`bad-cursor`)."""
    return read_cursors(text) if text else {}

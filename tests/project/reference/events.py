"""docs/reference/events.md: what webhooks are sent, and what is known within."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, get_type_hints
from uuid import UUID

from application.reactions import REACTIONS
from domain.access.actor import Origin
from domain.events import Emitted, Event
from domain.webhooks.catalogue import EVENTS, message
from tests.project.reference import markdown

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ID = "0197f3a2-5c1e-7b90-8d2f-{:012d}"

INTRODUCTION = """\
An event is a fact in the past. It is stored in the transaction of the change that it tells of, and what follows from it
is done afterwards: [What is done in the background](../background-work.md). Its fields are ids, and what cannot be
looked up any more.

## What webhooks are sent

Other services may ask for these: [Webhooks](../webhooks.md) says how, and how the messages are signed. A message is a
JSON object with `type`, `timestamp` (when it happened) and `data`. A field may be added to `data` in a later version;
none goes, and none changes its meaning."""

WITHIN = """\
## What is known within

Nobody outside is told of these. They lead to mails, notifications and other work; the reactions are those of
[this table](../background-work.md#every-event-and-what-follows), by the names that `moothall outbox list` shows."""


def page() -> str:
    told = "\n\n".join(_told(name, kind) for name, kind in EVENTS.items())
    inner = {name: kind for name, kind in sorted(Event.kinds.items()) if _is_ours(kind) and name not in EVENTS}
    rows = [[markdown.code(name), _fields(kind), _reactions(kind)] for name, kind in inner.items()]
    return markdown.page("Events", INTRODUCTION, told, WITHIN, markdown.table(["event", "fields", "reactions"], rows))


def example(kind: type[Event]) -> Mapping[str, Any]:
    """A message of this kind, as it is sent."""
    hints = get_type_hints(kind)
    values = {
        field.name: "MUG-1" if hints[field.name] is str else UUID(ID.format(number))
        for number, field in enumerate(fields(kind), start=1)  # type: ignore[arg-type]
    }
    event = kind(**values)
    emitted = Emitted.of(event, id=UUID(ID.format(0)), at=AT, actor="anonymous", origin=Origin())
    found: Mapping[str, Any] = json.loads(message(emitted))
    return found


def _told(name: str, kind: type[Event]) -> str:
    hints = get_type_hints(kind)
    rows = [[markdown.code(field.name), _word(hints[field.name])] for field in fields(kind)]  # type: ignore[arg-type]
    shown = json.dumps(example(kind), indent=2)
    reactions = _reactions(kind)
    within = f"Within, it also leads to {reactions}." if reactions else ""
    parts = [f"### {name}", markdown.paragraph(kind.__doc__), markdown.table(["data", "type"], rows)]
    return "\n\n".join(part for part in (*parts, f"```json\n{shown}\n```", within) if part)


def _word(hint: Any) -> str:
    return {UUID: "id (UUID)", UUID | None: "id (UUID), or null", str: "text"}[hint]


def _fields(kind: type[Event]) -> str:
    return ", ".join(markdown.code(field.name) for field in fields(kind))  # type: ignore[arg-type]


def _reactions(kind: type[Event]) -> str:
    return ", ".join(markdown.code(reaction.name) for reaction in REACTIONS[kind])


def _is_ours(kind: type[Event]) -> bool:
    return kind.__module__.startswith("domain.")

"""Which events webhooks may ask for, and how they ask: by name, by `thing.*` for one kind of thing, or by `*`."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC

from domain.errors import Invalid
from domain.events import Emitted, Event
from domain.identity import events as identity
from domain.orders import events as orders
from domain.posts import events as posts
from domain.products import events as products

ALL = "*"
MOST_PATTERNS = 100

EVENTS: Mapping[str, type[Event]] = {
    kind.name: kind
    for module in (identity, posts, products, orders)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind.subject is not None
}
"""Every event that is told outside, by its name."""


def matches(pattern: str, event: str) -> bool:
    return pattern in (ALL, event, f"{event.partition('.')[0]}.*")


def wants(patterns: Collection[str], event: str) -> bool:
    return any(matches(pattern, event) for pattern in patterns)


def checked(patterns: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order.

    Raises:
        Invalid: `no-events`, `too-many-events`, `unknown-event`; a pattern that no event matches is a slip of the pen.
    """
    found = tuple(sorted(set(patterns)))
    if not found:
        raise Invalid.field("no-events", "/events", "Say which events: their names, thing.* or *.")
    if len(found) > MOST_PATTERNS:
        raise Invalid.field("too-many-events", "/events", f"Say {MOST_PATTERNS} at most; or thing.*, or *.")
    if unknown := [pattern for pattern in found if not any(matches(pattern, event) for event in EVENTS)]:
        names = ", ".join(repr(pattern[:50]) for pattern in unknown[:10])
        raise Invalid.field("unknown-event", "/events", f"There are no such events: {names}.")
    return found


def message(emitted: Emitted) -> str:
    """What is sent: `{"type", "timestamp", "data"}`, as Standard Webhooks recommends it."""
    at = emitted.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": emitted.name, "timestamp": at, "data": dict(emitted.data)}, separators=(",", ":"))

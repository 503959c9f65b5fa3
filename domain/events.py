"""What happened, for whoever has to do something about it afterwards.

An event holds ids and what its reactions cannot look up any more; never a secret, not even one under seal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, get_type_hints
from uuid import UUID

from domain.access.actor import Actor, ActorKind, Origin


class Event:
    """A fact in the past: a frozen dataclass of UUIDs and texts. `name` is `thing.what-happened`."""

    __slots__ = ()
    name: ClassVar[str]
    subject: ClassVar[str | None] = None
    """Of an event that webhooks may ask for: the field with the id of the thing that it is about. Events of one thing
    are emitted under a lock on it, and sent in that order. Such an event names nobody but by an id, and its docstring
    says when it happens. None: it is nobody's business outside."""
    kinds: ClassVar[dict[str, "type[Event]"]] = {}
    """Every kind of event, by its name."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Event.kinds[cls.name] = cls

    @property
    def about(self) -> UUID | None:
        """The id of the thing that it is about, if that is told outside."""
        return None if self.subject is None else getattr(self, self.subject)

    def as_data(self) -> dict[str, str | None]:
        """The fields as texts, for a store."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: None if value is None else str(value) for name, value in values.items()}

    @staticmethod
    def from_data(name: str, data: Mapping[str, str | None]) -> "Event":
        """Raises LookupError where this version knows no such event, TypeError where it has other fields."""
        kind = Event.kinds[name]
        hints = get_type_hints(kind)
        values: dict[str, Any] = {
            field: UUID(text) if text is not None and hints.get(field) in (UUID, UUID | None) else text
            for field, text in data.items()
        }
        return kind(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """An event as it was stored: when, and whose doing it was (`Actor.name`), from where; its name, and its fields as
    texts, which nobody reads before it is reacted to: one that this version cannot read holds up no other."""

    id: UUID
    at: datetime
    actor: str
    origin: Origin
    name: str
    data: Mapping[str, str | None]

    @classmethod
    def of(cls, event: Event, *, id: UUID, at: datetime, actor: str, origin: Origin) -> "Emitted":
        return cls(id=id, at=at, actor=actor, origin=origin, name=event.name, data=event.as_data())

    @property
    def event(self) -> Event:
        """Raises LookupError or TypeError where this version knows no event of that name, or with these fields."""
        return Event.from_data(self.name, self.data)

    def by(self) -> Actor:
        """Whose doing it was, for the audit trail, with no right to anything."""
        return Actor(ActorKind.ANONYMOUS, self.actor, origin=self.origin)


class EventStore(Protocol):
    """Events within a unit of work."""

    async def add(self, emitted: Emitted, deliveries: Mapping[str, UUID] = MappingProxyType({})) -> None:
        """With its deliveries: for the name of each reaction, the id of the job that delivers to it."""
        ...

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        """Some that were emitted before, and of which no delivery is kept any more; how many they were."""
        ...

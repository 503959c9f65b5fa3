"""Who is in a room: on this process, as its connections say, and on others, as they tell from time to time.

Nothing of it is stored. A process that falls silent takes its people with it; one that missed something asks.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Person = Mapping[str, Any]
"""`id`, `username` and `full_name`, as JSON."""

FORGOTTEN_AFTER = 15.0
"""Seconds of silence."""


@dataclass(slots=True)
class _Elsewhere:
    """What one other process told: `version` counts its changes."""

    version: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Moves:
    """Who came into the room and who left it, on all processes taken together. `were_there`: a process told for the
    first time who is there, and they may have come long ago."""

    came: tuple[Person, ...] = ()
    went: tuple[Person, ...] = ()
    were_there: bool = False


class Presence:
    """Of one room. `name` is what this process is called among the others. What has to be told to them is returned, or
    asked for by `whole` and `pulse`; times are in seconds of any clock that never goes back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._version = 0
        self._here: dict[str, Person] = {}
        self._connections: dict[str, int] = {}
        self._elsewhere: dict[str, _Elsewhere] = {}

    @property
    def people(self) -> dict[str, Person]:
        """Everybody, by their ids."""
        found: dict[str, Person] = {}
        for place in self._elsewhere.values():
            found |= place.people
        return found | self._here

    @property
    def is_empty_here(self) -> bool:
        return not self._here

    def come(self, person: Person) -> tuple[Moves, dict[str, Any] | None]:
        """One more connection of theirs is in the room. None: there is nothing to tell others."""
        key = person["id"]
        self._connections[key] = self._connections.get(key, 0) + 1
        if self._connections[key] > 1:
            return Moves(), None
        were_there = self._is_elsewhere(key)
        self._here[key] = person
        return Moves() if were_there else Moves(came=(person,)), self._change(came=[person])

    def go(self, key: str) -> tuple[Moves, dict[str, Any] | None]:
        """One connection of theirs has left."""
        self._connections[key] -= 1
        if self._connections[key]:
            return Moves(), None
        del self._connections[key]
        person = self._here.pop(key)
        return Moves() if self._is_elsewhere(key) else Moves(went=(person,)), self._change(went=[key])

    def whole(self) -> dict[str, Any]:
        """Everybody here, for who asks."""
        return {"from": self._name, "version": self._version, "here": list(self._here.values())}

    def pulse(self) -> dict[str, Any]:
        """That this process lives."""
        return {"from": self._name, "version": self._version}

    def question(self) -> dict[str, Any]:
        """Who is there? For who has just come, or missed something."""
        return {"from": self._name, "ask": True}

    def hear(self, told: Mapping[str, Any], now: float) -> tuple[Moves, dict[str, Any] | None]:
        """What another process tells; and what there is to answer."""
        name = told["from"]
        if told.get("ask"):
            return Moves(), self.whole() if self._version else None
        place = self._elsewhere.setdefault(name, _Elsewhere())
        place.until = now + FORGOTTEN_AFTER
        if "here" in told:
            is_first = place.version == 0
            moves = self._replace(place, {person["id"]: person for person in told["here"]}, told["version"])
            return replace(moves, were_there=is_first), None
        if "came" not in told:
            return Moves(), None if place.version == told["version"] else self.question()
        if place.version != told["version"] - 1:
            return Moves(), self.question()
        people = {key: person for key, person in place.people.items() if key not in told["went"]}
        return self._replace(place, people | {person["id"]: person for person in told["came"]}, told["version"]), None

    def forget_silent(self, now: float) -> Moves:
        """The people of processes that have not been heard of for long."""
        went: dict[str, Person] = {}
        for name in [name for name, place in self._elsewhere.items() if place.until <= now]:
            went |= self._elsewhere.pop(name).people
        return Moves(went=tuple(self._unless_there(went.values())))

    def _replace(self, place: _Elsewhere, people: dict[str, Person], version: int) -> Moves:
        before = place.people
        came = [person for key, person in people.items() if key not in before]
        went = [person for key, person in before.items() if key not in people]
        place.people = {}
        new = tuple(self._unless_there(came))
        place.people, place.version = people, version
        return Moves(came=new, went=tuple(self._unless_there(went)))

    def _unless_there(self, people: Iterable[Person]) -> Iterable[Person]:
        return [person for person in people if person["id"] not in self._here and not self._is_elsewhere(person["id"])]

    def _is_elsewhere(self, key: str) -> bool:
        return any(key in place.people for place in self._elsewhere.values())

    def _change(self, *, came: Collection[Person] = (), went: Collection[str] = ()) -> dict[str, Any]:
        self._version += 1
        return {"from": self._name, "version": self._version, "came": list(came), "went": list(went)}

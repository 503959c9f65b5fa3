"""What was read is kept for the next who asks, for as long as nobody has changed it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from uuid import UUID

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ROLES = UUID("018fe000-0000-7000-8000-000000000001")
USERS = UUID("018fe000-0000-7000-8000-000000000002")
"""All roles, and all accounts, each as one thing that changes."""
POSTS = UUID("018fe000-0000-7000-8000-000000000007")
"""All posts, likewise."""
WEBHOOKS = UUID("018fe000-0000-7000-8000-000000000009")
"""All webhooks, likewise."""


class Changes(Protocol):
    """Things are named by their ids. What units of work of this machine change is known once they are committed, what
    others change within a second."""

    def mark(self, about: Sequence[UUID]) -> object | None:
        """To be made before reading. None: nothing can be told just now."""
        ...

    def marks(self, abouts: Collection[Sequence[UUID]]) -> Sequence[object | None]:
        """One for each, in their order, all of this moment; they may be one and the same."""
        ...

    def holds(self, mark: object) -> bool:
        """Whether nothing has changed, of all that the mark is about, since it was made."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    mark: object
    value: V


@dataclass(slots=True)
class _Flight(Generic[V]):
    """Somebody is reading it. `outcome` is None where who read gave up."""

    mark: object
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: "tuple[V | None, Exception | None] | None" = None


class Remembered(Generic[K, V]):
    """At most so many values, of those that are `worth_keeping`; the oldest go first. Of many who want the same one at
    once, one reads."""

    def __init__(self, changes: Changes, *, most: int, worth_keeping: Callable[[V], bool] = lambda value: True) -> None:
        self._changes = changes
        self._most = most
        self._worth_keeping = worth_keeping
        self._kept: dict[K, _Kept[V]] = {}
        self._flights: dict[K, _Flight[V]] = {}

    def get(self, key: K) -> V | None:
        """What was kept, if it is still so."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._changes.holds(kept.mark):
            return kept.value
        self._kept.pop(key, None)
        return None

    async def read(self, key: K, about: Sequence[UUID], read: Callable[[], Awaitable[V | None]]) -> V | None:
        """Read it, or wait for who is just doing so, and keep what was found. `about` names all that it depends on.

        What somebody else reads is good for whoever came before anything changed, whatever becomes of it.
        """
        while (flight := self._flights.get(key)) is not None and self._changes.holds(flight.mark):
            await flight.landed.wait()
            if flight.outcome is not None:
                value, error = flight.outcome
                if error is not None:
                    raise error
                return value
        mark = self._changes.mark(about)
        return await read() if mark is None else await self._fly(key, mark, read)

    def get_all(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of them that were kept, and are still so."""
        kept = {key: found for key in keys if (found := self._kept.get(key)) is not None}
        hold = self._which_hold([found.mark for found in kept.values()])
        for key, holds in zip(kept, hold, strict=True):
            if not holds:
                self._kept.pop(key, None)
        return {key: found.value for (key, found), holds in zip(kept.items(), hold, strict=True) if holds}

    async def read_all(
        self, abouts: Mapping[K, Sequence[UUID]], read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]
    ) -> Mapping[K, V]:
        """Read them all at once, whoever else is reading some of them, and keep what was found; `abouts` names of each
        all that it depends on."""
        marks = dict(zip(abouts, self._changes.marks(list(abouts.values())), strict=True))
        found = await read(abouts.keys())
        made = [(key, mark) for key, mark in marks.items() if mark is not None and key in found]
        for (key, mark), holds in zip(made, self._which_hold([mark for _, mark in made]), strict=True):
            if holds and self._worth_keeping(found[key]):
                self._keep(key, _Kept(mark, found[key]))
        return found

    def _which_hold(self, marks: Sequence[object]) -> list[bool]:
        """Asked once for marks in a row that are equal: on some stores all are that were made between two commits."""
        found: list[bool] = []
        last: object = None
        for mark in marks:
            if not found or mark != last:
                found.append(self._changes.holds(mark))
                last = mark
            else:
                found.append(found[-1])
        return found

    async def _fly(self, key: K, mark: object, read: Callable[[], Awaitable[V | None]]) -> V | None:
        flight = self._flights[key] = _Flight[V](mark)
        try:
            value = await read()
            flight.outcome = value, None
            if value is not None and self._worth_keeping(value) and self._changes.holds(mark):
                self._keep(key, _Kept(mark, value))
            return value
        except Exception as error:
            flight.outcome = None, error
            raise
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()

    def _keep(self, key: K, kept: _Kept[V]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

"""What the live channel needs from outside: a way to tell other processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Told:
    """What processes tell each other: a `topic`, the id of the thing that it is about, and `data` (JSON)."""

    topic: str
    about: UUID
    data: Mapping[str, Any]


class Hub(Protocol):
    """Tells every process that listens, this one included. It may lose what it is told, and tell it twice: the truth is
    in the store, where whoever listens looks when there was a gap, and now and then."""

    def publish(self, told: Told) -> None:
        """Never waits and never fails. What one process tells about one thing is heard in that order. Those who listen
        in this process have heard it when this returns."""
        ...

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        """From now on, until it is closed. `on_gap` is called when something may have been missed: whenever other
        processes are heard (again)."""
        ...

    def is_whole(self) -> bool:
        """Whether other processes are heard, and hear this one, at this moment; of a hub that knows this process alone
        it is never true."""
        ...

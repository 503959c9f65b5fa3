"""What a read may show: the value that was acknowledged last before it began, or one that was written since."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Write(Generic[T]):
    value: T
    began: float
    acknowledged: float = inf


@dataclass
class Register(Generic[T]):
    """Something that has one value at a time, and whose writes come one after the other."""

    first: T
    _writes: list[_Write[T]] = field(init=False)

    def __post_init__(self) -> None:
        self._writes = [_Write(self.first, -inf, -inf)]

    @property
    def latest(self) -> T:
        return self._writes[-1].value

    @contextmanager
    def written(self, value: T) -> Iterator[None]:
        """The block begins the write and ends when it is acknowledged; one that fails may count or not, for good."""
        write = _Write(value, monotonic())
        self._writes.append(write)
        yield
        write.acknowledged = monotonic()

    def may_show(self, began: float, ended: float) -> set[T]:
        """What a read of that time may have seen."""
        known = max(n for n, write in enumerate(self._writes) if write.acknowledged < began)
        return {write.value for write in self._writes[known:] if write.began <= ended}

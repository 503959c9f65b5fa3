"""The product's own parts, built from what they name."""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


class Wiring:
    """Each of the parts is built once; whatever else they name, ports above all, the container has (`resolve`).

    The container could build them too. But it asks each class anew what it needs, for whoever needs it: with a hundred
    use cases that takes longer than all else that opens an application in memory, which tests do all the time.
    """

    def __init__(self, resolve: Callable[[Any], Any], parts: Collection[type[Any]]) -> None:
        self._resolve = resolve
        self._parts = frozenset(parts)
        self._made: dict[Any, Any] = {}

    def make(self, kind: type[T]) -> T:
        """Raises what `resolve` does where something is named that nobody has."""
        made: T = self._make(kind)
        return made

    def _make(self, kind: Any) -> Any:
        if kind not in self._made:
            self._made[kind] = (
                kind(**{name: self._make(needed) for name, needed in _needs(kind).items()})
                if kind in self._parts
                else self._resolve(kind)
            )
        return self._made[kind]


@cache
def _needs(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind.__init__)
    hints.pop("return", None)
    return hints

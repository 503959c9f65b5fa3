"""Whether what was read is still so."""

from collections.abc import Collection, Sequence
from uuid import UUID

from adapters.memory.database import MemoryDatabase
from application.remembering import Changes


class MemoryChanges(Changes):
    """Every commit counts as a change of everything."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def mark(self, about: Sequence[UUID]) -> object | None:
        return self._database.commits

    def marks(self, abouts: Collection[Sequence[UUID]]) -> Sequence[object | None]:
        return [self._database.commits] * len(abouts)

    def holds(self, mark: object) -> bool:
        return mark == self._database.commits

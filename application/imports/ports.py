"""What imports need from outside, and what readers ask about them."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol
from uuid import UUID

from application.imports.views import ImportView
from domain.imports.members_import import RejectedRow

LARGEST_FILE = 2 * 1024**3
"""Bytes."""


class ImportQueries(Protocol):
    async def member_import(self, id: UUID) -> ImportView | None:
        """By its own id, or by that of its job."""
        ...

    def rejects(self, import_id: UUID) -> AsyncGenerator[Sequence[RejectedRow], None]:
        """Some at a time, in the order of their lines."""
        ...

    async def files_wanted(self, import_ids: Collection[UUID]) -> set[UUID]:
        """Whose file may still be read: those that have not succeeded. 1,000 at most."""
        ...

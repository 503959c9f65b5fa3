"""What the audit trail needs from outside: its read side, and a signature under the installation's secret."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from application.audit.views import AuditFilters
from application.paging import Position, Row
from domain.audit.entry import Entry, SealedEntry


class AuditQueries(Protocol):
    async def entries(
        self, filters: AuditFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[Entry]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_entries(self, filters: AuditFilters) -> int: ...

    async def chain(self, after: int, limit: int) -> Sequence[SealedEntry]:
        """The sealed entries behind that number, in the order of their numbers."""
        ...

    async def count_sealed(self, up_to: int) -> int:
        """How many claim a place in the chain up to that number, whichever."""
        ...

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        """As the trail's own, outside of a unit of work."""
        ...

    async def count_unsealed(self) -> int: ...


class TrailSignature(Protocol):
    """Signs entries and seals, so that who can write to the database alone can make neither."""

    def sign(self, message: bytes) -> tuple[str, bytes]:
        """The id of the secret, and a MAC of 32 bytes."""
        ...

    def proves(self, message: bytes, secret_id: str, mac: bytes) -> bool | None:
        """Whether it is the MAC; None where that secret is no longer known."""
        ...

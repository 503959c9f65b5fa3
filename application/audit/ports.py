"""What the audit trail needs from outside: its read side, and a signature under the installation's secret."""

from collections.abc import Sequence
from typing import Protocol

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

    async def count_unsealed(self) -> int: ...


class SealSignature(Protocol):
    """Signs digests of the chain, so that who can write to the database alone cannot seal."""

    def sign(self, digest: bytes) -> tuple[str, bytes]:
        """The id of the secret, and the signature."""
        ...

    def proves(self, digest: bytes, secret_id: str, mac: bytes) -> bool | None:
        """Whether it is the signature; None where that secret is no longer known."""
        ...

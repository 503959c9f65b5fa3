"""The read side of the audit trail."""

from collections.abc import Sequence
from uuid import UUID

from adapters.memory.audit import by_id
from adapters.memory.database import MemoryDatabase
from adapters.memory.paging import page
from application.audit.ports import AuditQueries
from application.audit.views import AuditFilters
from application.paging import Position, Row
from domain.audit.entry import Entry, SealedEntry


class MemoryAuditQueries(AuditQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def entries(
        self, filters: AuditFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[Entry]]:
        rows = [Row(Position(entry.at, entry.id), entry) for entry in self._found(filters)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_entries(self, filters: AuditFilters) -> int:
        return len(self._found(filters))

    async def chain(self, after: int, limit: int) -> Sequence[SealedEntry]:
        links = [
            SealedEntry(self._database.audit_entries[entry_id], seal)
            for entry_id, seal in self._database.seals.items()
            if seal.number > after
        ]
        return sorted(links, key=lambda link: link.seal.number)[:limit]

    async def count_sealed(self, up_to: int) -> int:
        return sum(seal.number <= up_to for seal in self._database.seals.values())

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        entries = self._database.audit_entries.values()
        return by_id([entry for entry in entries if entry.id not in self._database.seals], limit, after)

    async def count_unsealed(self) -> int:
        return len(self._database.audit_entries) - len(self._database.seals)

    def _found(self, filters: AuditFilters) -> list[Entry]:
        return [entry for entry in self._database.audit_entries.values() if _passes(entry, filters)]


def _passes(entry: Entry, filters: AuditFilters) -> bool:
    return (
        filters.actor in (None, entry.actor)
        and filters.action in (None, entry.action)
        and filters.subject in (None, entry.subject)
        and (filters.since is None or entry.at >= filters.since)
        and (filters.until is None or entry.at < filters.until)
    )

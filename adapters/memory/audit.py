"""The audit trail within a unit of work."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from adapters.memory.database import Changes
from domain.audit.entry import AuditTrail, Entry, Seal


def by_id(entries: Iterable[Entry], limit: int, after: UUID | None) -> list[Entry]:
    return sorted((e for e in entries if after is None or e.id > after), key=lambda entry: entry.id)[:limit]


class MemoryAuditTrail(AuditTrail):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, entry: Entry) -> None:
        self._changes.audit_entries.add(entry.id, entry)

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        entries = self._changes.audit_entries.values()
        return by_id([entry for entry in entries if self._changes.seals.get(entry.id) is None], limit, after)

    async def last_seal(self) -> Seal | None:
        return max(self._changes.seals.values(), key=lambda seal: seal.number, default=None)

    async def seal(self, seals: Mapping[UUID, Seal]) -> None:
        numbers = {seal.number for seal in self._changes.seals.values()}
        for entry_id, seal in seals.items():
            if self._changes.audit_entries.get(entry_id) is None or self._changes.seals.get(entry_id) is not None:
                continue
            if seal.number in numbers:
                raise LookupError(f"The number {seal.number} is given already.")
            numbers.add(seal.number)
            self._changes.seals.add(entry_id, seal)

"""What somebody could do to the audit trail who writes to the database itself: no port offers it."""

from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from adapters.memory import MemoryAuditQueries, MemoryDatabase
from adapters.sql.tables import audit_entries
from domain.audit.entry import Entry
from tests.stores import Store

ENTRY_COLUMNS = [field.name for field in fields(Entry)]
SEAL_COLUMNS = ["seal_number", "digest", "secret_id", "mac"]


async def tamper(store: Store, entry_id: UUID, **columns: Any) -> None:
    """Change columns of one entry or of its seal; values are those of the entry."""
    if store.engine is None:
        database = _memory(store)
        entry, seal = database.audit_entries.pop(entry_id), database.seals.pop(entry_id)
        entry = replace(entry, **{name: columns[name] for name in ENTRY_COLUMNS if name in columns})
        sealed = {name.removeprefix("seal_"): columns[name] for name in SEAL_COLUMNS if name in columns}
        database.audit_entries[entry.id] = entry
        database.seals[entry.id] = replace(seal, **sealed)
        return
    if "fields" in columns:
        columns["fields"] = " ".join(columns["fields"])
    async with store.engine.connect() as connection:
        changed = await connection.execute(
            update(audit_entries).where(audit_entries.c.id == entry_id).values(**columns)
        )
        assert changed.rowcount == 1


async def erase(store: Store, *entry_ids: UUID) -> None:
    if store.engine is None:
        database = _memory(store)
        for entry_id in entry_ids:
            del database.audit_entries[entry_id], database.seals[entry_id]
        return
    async with store.engine.connect() as connection:
        erased = await connection.execute(delete(audit_entries).where(audit_entries.c.id.in_(entry_ids)))
        assert erased.rowcount == len(entry_ids)


async def erase_all(store: Store) -> None:
    """An empty trail, as for the next example of a test."""
    if store.engine is None:
        _memory(store).audit_entries.clear()
        _memory(store).seals.clear()
        return
    async with store.engine.connect() as connection:
        await connection.execute(delete(audit_entries))


def _memory(store: Store) -> MemoryDatabase:
    assert isinstance(store.audit, MemoryAuditQueries)
    return store.audit._database

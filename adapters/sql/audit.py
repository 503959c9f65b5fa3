"""The audit trail within a unit of work. There is no statement here that could change or remove an entry."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, insert, select, update

from adapters.sql.tables import audit_entries
from adapters.sql.work import Work
from domain.audit.entry import AuditTrail, Entry, Seal

NO_NUMBER = -1
"""SQLite stores whatever somebody writes into a column of numbers."""

_INSERT = insert(audit_entries)
_UNSEALED = (
    select(audit_entries)
    .where(audit_entries.c.seal_number.is_(None))
    .order_by(audit_entries.c.id)
    .limit(bindparam("limit"))
)
_UNSEALED_BEHIND = _UNSEALED.where(audit_entries.c.id > bindparam("after"))
_LAST_SEAL = (
    select(audit_entries)
    .where(audit_entries.c.seal_number.is_not(None))
    .order_by(audit_entries.c.seal_number.desc())
    .limit(1)
)
_SEAL = update(audit_entries).where(audit_entries.c.id == bindparam("entry_id"), audit_entries.c.seal_number.is_(None))


class SqlAuditTrail(AuditTrail):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, entry: Entry) -> None:
        await self._work.change(
            _INSERT,
            {
                "id": entry.id,
                "at": entry.at,
                "action": entry.action,
                "actor": entry.actor,
                "api_key_id": entry.api_key_id,
                "impersonating": entry.impersonating,
                "subject": entry.subject,
                "item": entry.item,
                "fields": " ".join(entry.fields),
                "address": entry.address,
                "request_id": entry.request_id,
                "proof": entry.proof,
            },
        )

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        return [entry(row) for row in await self._work.execute(*unsealed(limit, after))]

    async def last_seal(self) -> Seal | None:
        row = (await self._work.execute(_LAST_SEAL)).one_or_none()
        return seal(row) if row else None

    async def seal(self, seals: Mapping[UUID, Seal]) -> None:
        if not seals:
            return
        await self._work.execute(
            _SEAL,
            [
                {
                    "entry_id": entry_id,
                    "seal_number": seal.number,
                    "digest": seal.digest,
                    "secret_id": seal.secret_id,
                    "mac": seal.mac,
                }
                for entry_id, seal in seals.items()
            ],
        )


def unsealed(limit: int, after: UUID | None) -> tuple[Select[Any], dict[str, object]]:
    """The statement and its parameters."""
    if after is None:
        return _UNSEALED, {"limit": limit}
    return _UNSEALED_BEHIND, {"limit": limit, "after": after}


def entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        action=row.action,
        actor=row.actor,
        api_key_id=row.api_key_id,
        impersonating=row.impersonating,
        subject=row.subject,
        item=row.item,
        fields=tuple(row.fields.split()),
        address=row.address,
        request_id=row.request_id,
        proof=row.proof,
    )


def seal(row: Row[Any]) -> Seal:
    """Whatever somebody made of the row: that it is broken is for the verification to tell."""
    number = row.seal_number if isinstance(row.seal_number, int) else NO_NUMBER
    return Seal(number, row.digest or b"", row.secret_id or "", row.mac or b"")

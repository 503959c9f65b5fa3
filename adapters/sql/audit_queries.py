"""The read side of the audit trail."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from adapters.sql.audit import entry, seal, unsealed
from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.tables import audit_entries
from adapters.sql.text import storable
from application.audit.ports import AuditQueries
from application.audit.views import AuditFilters
from application.paging import Position
from application.paging import Row as Placed
from domain.audit.entry import Entry, SealedEntry

_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "actor": audit_entries.c.actor == bindparam("actor"),
    "action": audit_entries.c.action == bindparam("action"),
    "subject": audit_entries.c.subject == bindparam("subject"),
    "since": audit_entries.c.at >= bindparam("since"),
    "until": audit_entries.c.at < bindparam("until"),
}
_CHAIN = (
    select(audit_entries)
    .where(audit_entries.c.seal_number > bindparam("after"))
    .order_by(audit_entries.c.seal_number)
    .limit(bindparam("limit"))
)
_COUNT_SEALED = select(func.count()).select_from(audit_entries).where(audit_entries.c.seal_number <= bindparam("up_to"))
_COUNT_UNSEALED = select(func.count()).select_from(audit_entries).where(audit_entries.c.seal_number.is_(None))


class SqlAuditQueries(AuditQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def entries(
        self, filters: AuditFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[Entry]]:
        parameters = _set(filters)
        if parameters is None:
            return []
        statement = _page(frozenset(parameters), after is not None)
        rows = await self._reader.search(statement, {**parameters, **place(after, offset, limit)})
        return [Placed(Position(row.at, row.id), entry(row)) for row in rows]

    async def count_entries(self, filters: AuditFilters) -> int:
        parameters = _set(filters)
        if parameters is None:
            return 0
        return int((await self._reader.search(_count(frozenset(parameters)), parameters))[0][0])

    async def chain(self, after: int, limit: int) -> Sequence[SealedEntry]:
        rows = await self._reader.search(_CHAIN, {"after": after, "limit": limit})
        return [SealedEntry(entry(row), seal(row)) for row in rows]

    async def count_sealed(self, up_to: int) -> int:
        return int((await self._reader.search(_COUNT_SEALED, {"up_to": up_to}))[0][0])

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        return [entry(row) for row in await self._reader.search(*unsealed(limit, after))]

    async def count_unsealed(self) -> int:
        return int((await self._reader.search(_COUNT_UNSEALED, {}))[0][0])


def _set(filters: AuditFilters) -> dict[str, Any] | None:
    """The filters that are set; None where one of them can match nothing that a store could hold."""
    found = {name: value for name in _CONDITIONS if (value := getattr(filters, name)) is not None}
    return None if any(isinstance(value, str) and not storable(value) for value in found.values()) else found


@lru_cache
def _page(filters: frozenset[str], continues: bool) -> Select[Any]:
    chosen = _where(select(audit_entries), filters)
    return paged(chosen, audit_entries.c.at, audit_entries.c.id, descending=True, continues=continues)


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return _where(select(func.count()).select_from(audit_entries), filters)


def _where(statement: Select[Any], filters: frozenset[str]) -> Select[Any]:
    return statement.where(*(condition for name, condition in _CONDITIONS.items() if name in filters))

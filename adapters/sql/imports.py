"""Imports within a unit of work."""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, insert, select, tuple_, update

from adapters.sql.tables import import_expectations, import_rejects, imports, jobs
from adapters.sql.work import Work
from domain.imports.members_import import (
    Counts,
    Importer,
    Imports,
    MembersImport,
    OnDuplicate,
    RejectedRow,
    Source,
)
from domain.jobs.job import Status

_INSERT = insert(imports)
_LOCK = select(imports).where(imports.c.id == bindparam("import_id")).with_for_update()
_UPDATE = update(imports).where(imports.c.id == bindparam("import_id"))
_REJECT = insert(import_rejects)
_EXPECTED = select(import_expectations.c.key).where(
    import_expectations.c.import_id == bindparam("import_id"),
    import_expectations.c.key.in_(bindparam("keys", expanding=True)),
)
_is_done = exists().where(
    imports.c.id == import_expectations.c.import_id,
    jobs.c.id == imports.c.job_id,
    jobs.c.status == Status.SUCCEEDED.value,
)
_key = tuple_(import_expectations.c.import_id, import_expectations.c.key)
_FORGET = delete(import_expectations).where(
    _key.in_(
        select(import_expectations.c.import_id, import_expectations.c.key)
        .where(_is_done.correlate(import_expectations))
        .limit(bindparam("limit"))
        .cte("few", nesting=True)
        .prefix_with("MATERIALIZED")
        .select()
    )
)
AT_ONCE = 500
"""Keys that one statement asks for."""


class SqlImports(Imports):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, found: MembersImport) -> None:
        importer = found.importer
        await self._work.execute(
            _INSERT,
            {
                "id": found.id,
                "job_id": found.job_id,
                "importer": importer.name,
                "permissions": " ".join(sorted(importer.permissions)),
                "user_id": importer.user_id,
                "api_key_id": importer.api_key_id,
                "impersonator_id": importer.impersonator_id,
                "source": found.source.value,
                "on_duplicate": found.on_duplicate.value,
                "dry_run": found.dry_run,
                "invite": found.invite,
                "file_digest": found.file_digest,
                "file_size": found.file_size,
                "lines": found.lines,
                "created_at": found.created_at,
                **_counts(found.counts),
            },
        )

    async def get(self, import_id: UUID) -> MembersImport | None:
        await self._work.read_by_index()
        row = (await self._work.execute(_LOCK, {"import_id": import_id})).one_or_none()
        return import_of(row) if row is not None else None

    async def save(self, changed: MembersImport, rejected: Sequence[RejectedRow]) -> None:
        await self._work.execute(_UPDATE, {"import_id": changed.id, **_counts(changed.counts)})
        if rejected:
            rows = json.dumps([[row.line, row.column, row.reason, row.row] for row in rejected])
            await self._work.execute(_REJECT, {"import_id": changed.id, "first_line": rejected[0].line, "rows": rows})

    async def settle(self) -> None:
        if self._work.dialect == "postgresql":
            await self._work.command("ANALYZE users, user_roles, external_ids")

    async def expect(self, import_id: UUID, keys: Collection[bytes]) -> None:
        new = set(keys) - await self.expected(import_id, keys)
        await self._work.insert_many(import_expectations, ("import_id", "key"), [(import_id, key) for key in new])

    async def expected(self, import_id: UUID, keys: Collection[bytes]) -> set[bytes]:
        wanted, found = sorted(keys), set[bytes]()
        for first in range(0, len(wanted), AT_ONCE):
            some = {"import_id": import_id, "keys": wanted[first : first + AT_ONCE]}
            found.update((await self._work.execute(_EXPECTED, some)).scalars())
        return found

    async def forget_expected(self, *, limit: int) -> int:
        return (await self._work.execute(_FORGET, {"limit": limit})).rowcount


def import_of(row: Any) -> MembersImport:
    return MembersImport(
        id=row.id,
        job_id=row.job_id,
        importer=Importer(
            row.importer, frozenset(row.permissions.split()), row.user_id, row.api_key_id, row.impersonator_id
        ),
        source=Source(row.source),
        on_duplicate=OnDuplicate(row.on_duplicate),
        dry_run=row.dry_run,
        invite=row.invite,
        file_digest=row.file_digest,
        file_size=row.file_size,
        lines=row.lines,
        created_at=row.created_at,
        counts=Counts(row.created, row.updated, row.skipped, row.rejected),
    )


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "created": counts.created,
        "updated": counts.updated,
        "skipped": counts.skipped,
        "rejected": counts.rejected,
    }

"""The read side of imports."""

import json
from collections.abc import AsyncGenerator, Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from adapters.sql.given import as_parameter, is_given
from adapters.sql.imports import import_of
from adapters.sql.jobs import job
from adapters.sql.reading import Reader
from adapters.sql.tables import import_rejects, imports, jobs
from application.imports.ports import ImportQueries
from application.imports.views import ImportView
from application.jobs.views import JobView
from domain.imports.members_import import RejectedRow
from domain.jobs.job import Status

_IMPORT = select(imports).where(or_(imports.c.id == bindparam("id"), imports.c.job_id == bindparam("id")))
_JOB = select(jobs).where(jobs.c.id == bindparam("job_id"))
_REJECTS = (
    select(import_rejects)
    .where(import_rejects.c.import_id == bindparam("import_id"), import_rejects.c.first_line > bindparam("after"))
    .order_by(import_rejects.c.first_line)
    .limit(1)
)
_UNFINISHED = (
    select(imports.c.id).join(jobs, jobs.c.id == imports.c.job_id).where(jobs.c.status != Status.SUCCEEDED.value)
)


class SqlImportQueries(ImportQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def member_import(self, id: UUID) -> ImportView | None:
        found = await self._reader.search(_IMPORT, {"id": id})
        its_job = await self._reader.search(_JOB, {"job_id": found[0].job_id}) if found else []
        return ImportView.of(import_of(found[0]), JobView.of(job(its_job[0]))) if its_job else None

    async def rejects(self, import_id: UUID) -> AsyncGenerator[Sequence[RejectedRow], None]:
        after = 0
        while found := await self._reader.search(_REJECTS, {"import_id": import_id, "after": after}):
            after = found[0].first_line
            yield [RejectedRow(*row) for row in json.loads(found[0].rows)]

    async def files_wanted(self, import_ids: Collection[UUID]) -> set[UUID]:
        on_postgresql = self._reader.on_postgresql
        statement = _UNFINISHED.where(is_given(imports.c.id, on_postgresql))
        rows = await self._reader.search(statement, as_parameter(import_ids, on_postgresql))
        return {row.id for row in rows}

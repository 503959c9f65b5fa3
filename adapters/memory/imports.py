"""Imports within a unit of work, and their read side."""

from collections.abc import AsyncGenerator, Collection, Sequence
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from application.imports.ports import ImportQueries
from application.imports.views import ImportView
from application.jobs.views import JobView
from domain.imports.members_import import Imports, MembersImport, RejectedRow
from domain.jobs.job import Status


class MemoryImports(Imports):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, found: MembersImport) -> None:
        if self._changes.jobs.get(found.job_id) is None:
            raise LookupError(f"There is no job {found.job_id} that could do this import.")
        self._changes.imports.add(found.id, found)

    async def get(self, import_id: UUID) -> MembersImport | None:
        return self._changes.imports.get(import_id)

    async def save(self, changed: MembersImport, rejected: Sequence[RejectedRow]) -> None:
        self._changes.imports.put(changed.id, changed)
        if rejected:
            self._changes.import_rejects.add((changed.id, rejected[0].line), tuple(rejected))

    async def settle(self) -> None:
        """Here everything is found by its key."""

    async def expect(self, import_id: UUID, keys: Collection[bytes]) -> None:
        for key in keys:
            self._changes.import_expectations.put((import_id, key), True)

    async def expected(self, import_id: UUID, keys: Collection[bytes]) -> set[bytes]:
        return {key for key in keys if self._changes.import_expectations.get((import_id, key))}

    async def forget_expected(self, *, limit: int) -> int:
        over = [place for place, _ in self._changes.import_expectations.items() if self._is_done(place[0])][:limit]
        for place in over:
            self._changes.import_expectations.remove(place)
        return len(over)

    def _is_done(self, import_id: UUID) -> bool:
        found = self._changes.imports.get(import_id)
        job = self._changes.jobs.get(found.job_id) if found is not None else None
        return job is None or job.status is Status.SUCCEEDED


def remove_of(changes: Changes, job_id: UUID) -> None:
    """The import that a job did, with what was refused."""
    for found in changes.imports.values():
        if found.job_id == job_id:
            changes.imports.remove(found.id)
            for place, _ in changes.import_rejects.items():
                if place[0] == found.id:
                    changes.import_rejects.remove(place)
            for key, _ in changes.import_expectations.items():
                if key[0] == found.id:
                    changes.import_expectations.remove(key)


class MemoryImportQueries(ImportQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def member_import(self, id: UUID) -> ImportView | None:
        found = next((each for each in self._database.imports.values() if id in (each.id, each.job_id)), None)
        return ImportView.of(found, JobView.of(self._database.jobs[found.job_id])) if found is not None else None

    async def rejects(self, import_id: UUID) -> AsyncGenerator[Sequence[RejectedRow], None]:
        for _, rows in sorted((p, rows) for p, rows in self._database.import_rejects.items() if p[0] == import_id):
            yield rows

    async def files_wanted(self, import_ids: Collection[UUID]) -> set[UUID]:
        found = [self._database.imports[each] for each in import_ids if each in self._database.imports]
        return {each.id for each in found if self._database.jobs[each.job_id].status is not Status.SUCCEEDED}

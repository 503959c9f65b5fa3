"""Asking for an import."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.access.reach import admitted
from application.audit.trail import Trail
from application.idempotency import AnsweredAlready, Idempotency, Once
from application.imports.columns import Header
from application.imports.files import ImportFiles
from application.imports.rights import PASSWORDS_RULE, RULE, importer_of
from application.imports.views import ImportView, progress_of
from application.jobs.telling import tell_job
from application.jobs.views import JobView
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import Rule, require
from domain.errors import Conflict, Invalid, MoothallError, Unavailable
from domain.imports.members_import import MembersImport, OnDuplicate, Source
from domain.jobs.job import Job

IMPORT_JOB = "import-members"
LINES_OF_SOMEBODY = 2


@dataclass(frozen=True)
class StartImport:
    """Bring members in from a CSV file. It is a job, of who asks for it; the same file is imported by one at a time.
    With `invite`, whoever gets an account without a password is mailed a link to choose one."""

    rule: ClassVar[Rule] = RULE
    rules_of_parts: ClassVar[tuple[Rule, ...]] = (PASSWORDS_RULE,)

    transactions: Transactions
    trail: Trail
    idempotency: Idempotency
    files: ImportFiles
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        content: AsyncIterator[bytes],
        source: Source = Source.MOOTHALL,
        on_duplicate: OnDuplicate = OnDuplicate.REJECT,
        dry_run: bool = False,
        invite: bool = False,
        once_for: Callable[[bytes], Once[ImportView] | None] = lambda digest: None,
    ) -> ImportView:
        """`once_for` gets the SHA-256 of the content once that was read.

        Raises Invalid (`empty-file`, `no-rows`, `no-csv`, `another-source`, `too-many-columns`,
        `file-too-large`, `no-header`, `no-email-column`, `unknown-column`,
        `repeated-column`), Conflict (`import-running`)."""
        require(actor, self.rule)
        import_id = self.ids.new()
        async with self._removed_unless_wanted(import_id):
            file = await self.files.put(import_id, content)
            Header.of(file.head, source)
            if file.lines < LINES_OF_SOMEBODY:
                raise Invalid.field("no-rows", "/file", "There is one line in the file, and nobody below its columns.")
            once = once_for(file.digest)
            await self.idempotency.check(actor, once)
            now = self.clock.now()
            found = MembersImport(
                id=import_id,
                job_id=self.ids.new(),
                importer=importer_of(actor),
                source=source,
                on_duplicate=on_duplicate,
                dry_run=dry_run,
                invite=invite,
                file_digest=file.digest,
                file_size=file.size,
                lines=file.lines,
                created_at=now,
            )
            job = Job(
                id=found.job_id,
                kind=IMPORT_JOB,
                args={"import_id": str(import_id)},
                created_at=now,
                due_at=now,
                owner_id=actor.user_id,
                progress=progress_of(found),
                unique_key=f"{IMPORT_JOB}/{file.digest.hex()}",
            )
            return await self._started(actor, found, job, once)

    @asynccontextmanager
    async def _removed_unless_wanted(self, import_id: UUID) -> AsyncIterator[None]:
        """The file of an import that did not come about. Where nobody knows, because the answer to the COMMIT was lost,
        it stays: the job may be there. Else it is swept."""
        try:
            yield
        except (MoothallError, AnsweredAlready) as error:
            if not isinstance(error, Unavailable):
                with suppress(Unavailable):
                    await self.files.remove(import_id)
            raise

    async def _started(self, actor: Actor, found: MembersImport, job: Job, once: Once[ImportView] | None) -> ImportView:
        view = ImportView.of(found, JobView.of(job))
        asked_for = {"dry_run": found.dry_run, "invite": found.invite, found.on_duplicate.value: True}
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, view)
            actor = await admitted(uow, actor, self.rule)
            if not await uow.jobs.add(job):
                raise Conflict("import-running", "This file is being imported already.")
            await uow.imports.add(found)
            tell_job(uow, job)
            await self.trail.record(
                uow,
                actor,
                "members.import-started",
                item=found.id,
                fields=[name for name, is_so in asked_for.items() if is_so],
            )
        return view

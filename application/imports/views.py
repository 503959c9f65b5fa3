"""What readers get to see of imports."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.jobs.views import JobView
from domain.imports.members_import import MembersImport, OnDuplicate, Source
from domain.jobs.job import Progress, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """`created` and so on count rows; in a dry run, what would have become of them. `imported_by` is a member's id, or
    `cli:NAME`. `progress.total` is the number of lines below the header, until the end is known: a cell may have
    several."""

    id: UUID
    job_id: UUID
    status: Status
    dry_run: bool
    on_duplicate: OnDuplicate
    source: Source
    invite: bool
    imported_by: str
    file_size: int
    progress: Progress
    created: int
    updated: int
    skipped: int
    rejected: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, found: MembersImport, job: JobView) -> "ImportView":
        counts = found.counts
        return cls(
            id=found.id,
            job_id=found.job_id,
            status=job.status,
            dry_run=found.dry_run,
            on_duplicate=found.on_duplicate,
            source=found.source,
            invite=found.invite,
            imported_by=found.importer.name,
            file_size=found.file_size,
            progress=progress_of(found, is_over=job.status is Status.SUCCEEDED),
            created=counts.created,
            updated=counts.updated,
            skipped=counts.skipped,
            rejected=counts.rejected,
            error=job.error,
            created_at=found.created_at,
            finished_at=job.finished_at,
        )


def progress_of(found: MembersImport, *, is_over: bool = False) -> Progress:
    done = found.counts.done
    return Progress(done, done if is_over else max(found.lines - 1, done), found.counts.rejected)

"""What happens to jobs, and has to be told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class JobFinished(Event):
    """Of a member: `kind` is that of the job, `status` what became of it."""

    name: ClassVar[str] = "job.finished"
    job_id: UUID
    user_id: UUID
    kind: str
    status: str

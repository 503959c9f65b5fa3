"""Events."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from adapters.memory.database import Changes
from domain.events import Emitted, EventStore
from domain.jobs.job import Job


class MemoryEvents(EventStore):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, emitted: Emitted, deliveries: Mapping[str, UUID] = MappingProxyType({})) -> None:
        self._changes.events.add(emitted.id, emitted)
        for reaction, job_id in deliveries.items():
            self._changes.jobs.add(job_id, Job.delivering(emitted, id=job_id, to=reaction))
            self._changes.left_work = True

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        awaited = {job.emitted.id for job in self._changes.jobs.values() if job.emitted is not None}
        old = [e.id for e in self._changes.events.values() if e.at <= time and e.id not in awaited]
        return sum([self._changes.events.remove(event_id) for event_id in old[:limit]])

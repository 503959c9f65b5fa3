"""Events."""

from datetime import datetime

from adapters.memory.database import Changes
from domain.events import Emitted, EventStore


class MemoryEvents(EventStore):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, emitted: Emitted) -> None:
        self._changes.events.add(emitted.id, emitted)

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        awaited = {job.emitted.id for job in self._changes.jobs.values() if job.emitted is not None}
        old = [e.id for e in self._changes.events.values() if e.at <= time and e.id not in awaited]
        return sum([self._changes.events.remove(event_id) for event_id in old[:limit]])

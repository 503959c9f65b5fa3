"""Events."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, exists, insert, select, text

from adapters.sql.batches import chosen_once
from adapters.sql.tables import events, jobs
from adapters.sql.work import Work
from domain.access.actor import Origin
from domain.events import Emitted, EventStore
from domain.jobs.job import Status

_INSERT = insert(events)
_DELIVER = insert(jobs).values(
    id=bindparam("job_id"),
    kind=bindparam("reaction"),
    args="{}",
    event_id=bindparam("event"),
    created_at=bindparam("now"),
    due_at=bindparam("now"),
    status=Status.QUEUED.value,
    attempts=0,
    strikes=0,
    cancel_requested=False,
    progress_done=0,
    progress_rejected=0,
)
_ADD = text(
    f"""
    WITH event AS (
        INSERT INTO events (id, at, type, actor, address, user_agent, request_id, data)
        VALUES (CAST(:id AS uuid), CAST(:at AS timestamptz), CAST(:type AS text), CAST(:actor AS text),
                CAST(:address AS text), CAST(:user_agent AS text), CAST(:request_id AS text), CAST(:data AS text))
        RETURNING id, at
    )
    INSERT INTO jobs (id, kind, args, event_id, created_at, due_at, status, attempts, strikes, cancel_requested,
                      progress_done, progress_rejected)
    SELECT delivery.id, delivery.kind, '{{}}', event.id, event.at, event.at, '{Status.QUEUED.value}', 0, 0, false, 0, 0
    FROM event, unnest(CAST(:job_ids AS uuid[]), CAST(:kinds AS text[])) AS delivery(id, kind)
    """  # noqa: S608
)
"""An event with its deliveries in one round trip, on PostgreSQL."""
_FIND = select(events).where(events.c.id.in_(bindparam("event_ids", expanding=True)))
_DELETE_OLD = delete(events).where(
    events.c.id.in_(
        chosen_once(
            select(events.c.id)
            .where(
                events.c.at <= bindparam("before"), ~exists().where(jobs.c.event_id == events.c.id).correlate(events)
            )
            .limit(bindparam("limit"))
        )
    )
)


class SqlEvents(EventStore):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, emitted: Emitted, deliveries: Mapping[str, UUID] = MappingProxyType({})) -> None:
        values = {
            "id": emitted.id,
            "at": emitted.at,
            "type": emitted.name,
            "actor": emitted.actor,
            "address": emitted.origin.address,
            "user_agent": emitted.origin.user_agent,
            "request_id": emitted.origin.request_id,
            "data": json.dumps(emitted.data),
        }
        if self._work.dialect == "postgresql":
            jobs_and_kinds = {"job_ids": list(deliveries.values()), "kinds": list(deliveries)}
            await self._work.change(_ADD, {**values, **jobs_and_kinds})
        else:
            await self._work.execute(_INSERT, values)
            for reaction, job_id in deliveries.items():
                await self._work.execute(
                    _DELIVER, {"job_id": job_id, "reaction": reaction, "event": emitted.id, "now": emitted.at}
                )
        self._work.left_jobs = self._work.left_jobs or bool(deliveries)

    async def remove_before(self, time: datetime, *, limit: int) -> int:
        return (await self._work.execute(_DELETE_OLD, {"before": time, "limit": limit})).rowcount


async def events_of(work: Work, event_ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
    """Their rows, for `emitted` to read one by one: what is wrong with one is not the others' matter."""
    if not event_ids:
        return {}
    return {row.id: row for row in await work.execute(_FIND, {"event_ids": list(event_ids)})}


def emitted(row: Row[Any]) -> Emitted:
    return Emitted(
        id=row.id,
        at=row.at,
        actor=row.actor,
        origin=Origin(row.address, row.user_agent, row.request_id),
        name=row.type,
        data=json.loads(row.data),
    )

"""Events."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, exists, insert, select

from adapters.sql.batches import chosen_once
from adapters.sql.tables import events, jobs
from adapters.sql.work import Work
from domain.access.actor import Origin
from domain.events import Emitted, EventStore

_INSERT = insert(events)
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

    async def add(self, emitted: Emitted) -> None:
        await self._work.execute(
            _INSERT,
            {
                "id": emitted.id,
                "at": emitted.at,
                "type": emitted.name,
                "actor": emitted.actor,
                "address": emitted.origin.address,
                "user_agent": emitted.origin.user_agent,
                "request_id": emitted.origin.request_id,
                "data": json.dumps(emitted.data),
            },
        )

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

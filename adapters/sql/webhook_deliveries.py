"""Deliveries to webhooks within a unit of work."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, bindparam, cast, delete, exists, func, insert, literal_column, select, update

from adapters.sql.batches import chosen_once
from adapters.sql.tables import jobs
from adapters.sql.tables import webhook_deliveries as deliveries
from adapters.sql.work import Work
from domain.jobs.job import SEND_WEBHOOK, Status
from domain.webhooks.delivery import Delivery, DeliveryRepository, DeliveryStatus

is_pending = deliveries.c.next_attempt_at.is_not(None)
"""As the partial indexes say it."""

_earlier = deliveries.alias("earlier")
has_earlier = (
    exists()
    .where(
        _earlier.c.webhook_id == deliveries.c.webhook_id,
        _earlier.c.subject == deliveries.c.subject,
        _earlier.c.number < deliveries.c.number,
        _earlier.c.next_attempt_at.is_not(None),
    )
    .correlate(deliveries)
)

_job_key = literal_column(f"'{SEND_WEBHOOK}/'", Text).concat(func.replace(cast(deliveries.c.id, Text), "-", ""))
"""As `Delivery.job_key` has it, however the store writes an id."""
_has_job = exists().where(jobs.c.unique_key == _job_key, jobs.c.due_at.is_not(None)).correlate(deliveries)

_of_the_same_subject = (
    (deliveries.c.webhook_id == bindparam("webhook_id")) & (deliveries.c.subject == bindparam("subject")) & is_pending
)
_INSERT = insert(deliveries).inline()
_LOCK = select(deliveries).where(deliveries.c.id == bindparam("delivery_id")).with_for_update()
_UPDATE = update(deliveries).where(deliveries.c.id == bindparam("delivery_id"))
_LOCK_EARLIER = (
    select(deliveries.c.number)
    .where(_of_the_same_subject, deliveries.c.number < bindparam("number"))
    .order_by(deliveries.c.number)
    .limit(1)
    .with_for_update()
)
_NEXT = (
    select(deliveries)
    .where(_of_the_same_subject, deliveries.c.number > bindparam("number"))
    .order_by(deliveries.c.number)
    .limit(1)
)
_GIVE_UP_ALL = (
    update(deliveries)
    .where(deliveries.c.webhook_id == bindparam("of_webhook"), is_pending)
    .values(
        status=DeliveryStatus.FAILED.value,
        next_attempt_at=None,
        settled_at=bindparam("now"),
        error=bindparam("why"),
    )
)
_MAKE_DUE = (
    update(deliveries)
    .where(
        deliveries.c.webhook_id == bindparam("of_webhook"),
        is_pending,
        deliveries.c.next_attempt_at > bindparam("now"),
    )
    .values(next_attempt_at=bindparam("now"))
)
_MAKE_JOBS_DUE = (
    update(jobs)
    .where(
        jobs.c.unique_key.in_(select(_job_key).where(deliveries.c.webhook_id == bindparam("of_webhook"), is_pending)),
        jobs.c.status == Status.QUEUED.value,
        jobs.c.due_at > bindparam("now"),
    )
    .values(due_at=bindparam("now"))
)
_SETTLED = (
    select(deliveries)
    .where(
        deliveries.c.webhook_id == bindparam("webhook_id"),
        deliveries.c.created_at >= bindparam("since"),
        deliveries.c.created_at < bindparam("until"),
        deliveries.c.status.in_(bindparam("statuses", expanding=True)),
        deliveries.c.pending_since <= bindparam("asked_at"),
        deliveries.c.number > bindparam("behind"),
    )
    .order_by(deliveries.c.number)
    .limit(bindparam("limit"))
    .with_for_update()
)
_OVERDUE = (
    select(deliveries)
    .where(is_pending, deliveries.c.next_attempt_at <= bindparam("before"), ~has_earlier, ~_has_job)
    .order_by(deliveries.c.next_attempt_at)
    .limit(bindparam("limit"))
)
_DELETE_SETTLED = delete(deliveries).where(
    deliveries.c.number.in_(
        chosen_once(
            select(deliveries.c.number)
            .where(deliveries.c.settled_at <= bindparam("before"))
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
        )
    ),
    deliveries.c.settled_at <= bindparam("before"),
)


class SqlWebhookDeliveries(DeliveryRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, made: Sequence[Delivery]) -> None:
        rows = [{**_fixed(delivery), **_columns(delivery)} for delivery in made]
        if len(rows) == 1:
            await self._work.change(_INSERT, rows[0])
        elif rows:
            await self._work.execute(_INSERT.values(rows))

    async def get(self, delivery_id: UUID) -> Delivery | None:
        row = (await self._work.execute(_LOCK, {"delivery_id": delivery_id})).one_or_none()
        return delivery_of(row) if row is not None else None

    async def save(self, delivery: Delivery) -> None:
        await self._work.execute(_UPDATE, {"delivery_id": delivery.id, **_columns(delivery)})

    async def lock_earlier(self, delivery: Delivery) -> bool:
        return (await self._work.execute(_LOCK_EARLIER, _place(delivery))).first() is not None

    async def next_pending(self, delivery: Delivery) -> Delivery | None:
        row = (await self._work.execute(_NEXT, _place(delivery))).one_or_none()
        return delivery_of(row) if row is not None else None

    async def give_up_all(self, webhook_id: UUID, now: datetime, error: str) -> None:
        values = {"of_webhook": webhook_id, "now": now, "why": error}
        while (await self._work.execute(_GIVE_UP_ALL, values)).rowcount:
            pass  # each look sees what was committed before it began

    async def make_due(self, webhook_id: UUID, now: datetime) -> None:
        for statement in (_MAKE_DUE, _MAKE_JOBS_DUE):
            await self._work.execute(statement, {"of_webhook": webhook_id, "now": now})
        self._work.left_jobs = True

    async def settled_within(
        self,
        webhook_id: UUID,
        *,
        since: datetime,
        until: datetime,
        statuses: Collection[DeliveryStatus],
        asked_at: datetime,
        behind: int,
        limit: int,
    ) -> Sequence[Delivery]:
        values = {
            "webhook_id": webhook_id,
            "since": since,
            "until": until,
            "statuses": [status.value for status in statuses],
            "asked_at": asked_at,
            "behind": behind,
            "limit": limit,
        }
        return [delivery_of(row) for row in await self._work.execute(_SETTLED, values)]

    async def overdue(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        rows = await self._work.execute(_OVERDUE, {"before": before, "limit": limit})
        return [delivery_of(row) for row in rows]

    async def remove_settled(self, before: datetime, *, limit: int) -> int:
        return (await self._work.execute(_DELETE_SETTLED, {"before": before, "limit": limit})).rowcount


def delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        message_id=row.message_id,
        event=row.event,
        subject=row.subject,
        body=row.body,
        created_at=row.created_at,
        pending_since=row.pending_since,
        next_attempt_at=row.next_attempt_at,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        last_status=row.last_status,
        error=row.error,
        took_ms=row.took_ms,
        settled_at=row.settled_at,
        number=row.number,
    )


def _place(delivery: Delivery) -> dict[str, object]:
    return {"webhook_id": delivery.webhook_id, "subject": delivery.subject, "number": delivery.number}


def _fixed(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "message_id": delivery.message_id,
        "event": delivery.event,
        "subject": delivery.subject,
        "body": delivery.body,
        "created_at": delivery.created_at,
    }


def _columns(delivery: Delivery) -> dict[str, object]:
    """What changes in the life of a delivery."""
    return {
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "error": delivery.error,
        "took_ms": delivery.took_ms,
        "pending_since": delivery.pending_since,
        "next_attempt_at": delivery.next_attempt_at,
        "settled_at": delivery.settled_at,
    }

"""Webhooks and their deliveries, within a unit of work and as readers see them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.paging import page
from application.identity.views import Versioned
from application.paging import Position, Row
from application.webhooks.ports import Outgoing, WebhookQueries
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView, WebhookView, shown_webhook
from domain.errors import Conflict
from domain.jobs.job import Status
from domain.webhooks.delivery import Delivery, DeliveryRepository, DeliveryStatus
from domain.webhooks.webhook import Subscription, Webhook, WebhookRepository


class MemoryWebhooks(WebhookRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, webhook: Webhook) -> None:
        self._changes.webhooks.add(webhook.id, webhook)

    async def get(self, webhook_id: UUID) -> Webhook | None:
        return self._changes.webhooks.get(webhook_id)

    async def save(self, webhook: Webhook) -> Webhook:
        stored = self._changes.webhooks.get(webhook.id)
        if stored is None or stored.version != webhook.version:
            raise self._changes.spoil(
                Conflict("changed-meanwhile", "The webhook was changed meanwhile; read it again.")
            )
        saved = replace(webhook, version=webhook.version + 1)
        self._changes.webhooks.put(webhook.id, saved)
        return saved

    async def remove(self, webhook_id: UUID) -> None:
        self._changes.webhooks.remove(webhook_id)

    async def count(self) -> int:
        return len(self._changes.webhooks.values())

    async def subscriptions(self) -> Collection[Subscription]:
        return [Subscription(found.id, found.events) for found in self._changes.webhooks.values() if found.is_active]


class MemoryWebhookDeliveries(DeliveryRepository):
    """There is one writer at a time: nothing has to be locked."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._changes.webhook_deliveries.add(
                delivery.id, replace(delivery, number=next(self._changes.delivery_numbers))
            )

    async def get(self, delivery_id: UUID) -> Delivery | None:
        return self._changes.webhook_deliveries.get(delivery_id)

    async def save(self, delivery: Delivery) -> None:
        self._changes.webhook_deliveries.put(delivery.id, delivery)

    async def lock_earlier(self, delivery: Delivery) -> bool:
        return _has_earlier(self._changes.webhook_deliveries.values(), delivery)

    async def next_pending(self, delivery: Delivery) -> Delivery | None:
        later = [each for each in self._pending() if _same(each, delivery) and each.number > delivery.number]
        return min(later, key=_number, default=None)

    async def give_up_all(self, webhook_id: UUID, now: datetime, error: str) -> None:
        for delivery in self._pending():
            if delivery.webhook_id == webhook_id:
                self._changes.webhook_deliveries.put(delivery.id, delivery.given_up(now, error))

    async def make_due(self, webhook_id: UUID, now: datetime) -> None:
        keys = set()
        for delivery in self._pending():
            if delivery.webhook_id == webhook_id and delivery.next_attempt_at is not None:
                keys.add(delivery.job_key)
                due_at = min(delivery.next_attempt_at, now)
                self._changes.webhook_deliveries.put(delivery.id, replace(delivery, next_attempt_at=due_at))
        for job in list(self._changes.jobs.values()):
            if job.unique_key in keys and job.status is Status.QUEUED and job.due_at is not None:
                self._changes.jobs.put(job.id, replace(job, due_at=min(job.due_at, now)))
        self._changes.left_work = True

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
        found = [
            each
            for each in self._changes.webhook_deliveries.values()
            if each.webhook_id == webhook_id
            and since <= each.created_at < until
            and each.status in statuses
            and each.pending_since <= asked_at
            and each.number > behind
        ]
        return sorted(found, key=_number)[:limit]

    async def overdue(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        pending = self._pending()
        with_job = {job.unique_key for job in self._changes.jobs.values() if not job.is_finished}
        found = [
            (each.next_attempt_at, each)
            for each in pending
            if each.next_attempt_at is not None
            and each.next_attempt_at <= before
            and each.job_key not in with_job
            and not _has_earlier(pending, each)
        ]
        return [each for _, each in sorted(found, key=lambda pair: pair[0])][:limit]

    async def remove_settled(self, before: datetime, *, limit: int) -> int:
        old = [
            each.id
            for each in self._changes.webhook_deliveries.values()
            if each.settled_at is not None and each.settled_at <= before
        ]
        return sum([self._changes.webhook_deliveries.remove(delivery_id) for delivery_id in old[:limit]])

    def _pending(self) -> list[Delivery]:
        return [each for each in self._changes.webhook_deliveries.values() if each.is_pending]


class MemoryWebhookQueries(WebhookQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def webhook(self, webhook_id: UUID) -> Versioned[WebhookView] | None:
        found = self._database.webhooks.get(webhook_id)
        return None if found is None else shown_webhook(found)

    async def webhooks(self, *, after: Position | None, offset: int, limit: int) -> list[Row[WebhookView]]:
        rows = [
            Row(Position(found.created_at, found.id), WebhookView.of(found))
            for found in self._database.webhooks.values()
        ]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_webhooks(self) -> int:
        return len(self._database.webhooks)

    async def delivery(self, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail | None:
        found = self._database.webhook_deliveries.get(delivery_id)
        return None if found is None or found.webhook_id != webhook_id else DeliveryDetail.of(found)

    async def deliveries(
        self, webhook_id: UUID, filters: DeliveryFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[DeliveryView]]:
        found = self._found(webhook_id, filters)
        rows = [Row(Position(each.created_at, each.id), DeliveryView.of(each)) for each in found]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_deliveries(self, webhook_id: UUID, filters: DeliveryFilters) -> int:
        return len(self._found(webhook_id, filters))

    async def outgoing(self, delivery_id: UUID) -> Outgoing | None:
        found = self._database.webhook_deliveries.get(delivery_id)
        if found is None:
            return None
        waits = _has_earlier(self._database.webhook_deliveries.values(), found)
        return Outgoing(found, self._database.webhooks.get(found.webhook_id), waits)

    def _found(self, webhook_id: UUID, filters: DeliveryFilters) -> list[Delivery]:
        return [
            each
            for each in self._database.webhook_deliveries.values()
            if each.webhook_id == webhook_id
            and filters.status in (None, each.status)
            and filters.event in (None, each.event)
        ]


def _has_earlier(deliveries: Collection[Delivery], delivery: Delivery) -> bool:
    return any(each.is_pending and _same(each, delivery) and each.number < delivery.number for each in deliveries)


def _same(one: Delivery, other: Delivery) -> bool:
    return (one.webhook_id, one.subject) == (other.webhook_id, other.subject)


def _number(delivery: Delivery) -> int:
    return delivery.number

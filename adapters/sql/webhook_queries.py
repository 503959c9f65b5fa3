"""Webhooks and their deliveries as readers see them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.tables import webhook_deliveries as deliveries
from adapters.sql.tables import webhooks
from adapters.sql.text import storable
from adapters.sql.webhook_deliveries import delivery_of, has_earlier
from adapters.sql.webhooks import webhook_of
from application.identity.views import Versioned
from application.paging import Position
from application.paging import Row as Placed
from application.webhooks.ports import Outgoing, WebhookQueries
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView, WebhookView, shown_webhook

_WEBHOOK = select(webhooks).where(webhooks.c.id == bindparam("webhook_id"))
_COUNT_WEBHOOKS = select(func.count()).select_from(webhooks)
_DELIVERY = select(deliveries).where(
    deliveries.c.id == bindparam("delivery_id"), deliveries.c.webhook_id == bindparam("webhook_id")
)
_OUTGOING = select(deliveries, has_earlier.label("waits")).where(deliveries.c.id == bindparam("delivery_id"))
_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "status": deliveries.c.status == bindparam("status"),
    "event": deliveries.c.event == bindparam("event"),
}


class SqlWebhookQueries(WebhookQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def webhook(self, webhook_id: UUID) -> Versioned[WebhookView] | None:
        rows = await self._reader.look_up(_WEBHOOK, {"webhook_id": webhook_id})
        return shown_webhook(webhook_of(rows[0])) if rows else None

    async def webhooks(self, *, after: Position | None, offset: int, limit: int) -> list[Placed[WebhookView]]:
        rows = await self._reader.search(_webhooks(after is not None), place(after, offset, limit))
        return [Placed(Position(row.created_at, row.id), WebhookView.of(webhook_of(row))) for row in rows]

    async def count_webhooks(self) -> int:
        return int((await self._reader.search(_COUNT_WEBHOOKS, {}))[0][0])

    async def delivery(self, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail | None:
        rows = await self._reader.search(_DELIVERY, {"webhook_id": webhook_id, "delivery_id": delivery_id})
        return DeliveryDetail.of(delivery_of(rows[0])) if rows else None

    async def deliveries(
        self, webhook_id: UUID, filters: DeliveryFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[DeliveryView]]:
        parameters = _set(filters)
        if parameters is None:
            return []
        statement = _deliveries(frozenset(parameters), after is not None)
        rows = await self._reader.search(
            statement, {"webhook_id": webhook_id, **parameters, **place(after, offset, limit)}
        )
        return [Placed(Position(row.created_at, row.id), DeliveryView.of(delivery_of(row))) for row in rows]

    async def count_deliveries(self, webhook_id: UUID, filters: DeliveryFilters) -> int:
        parameters = _set(filters)
        if parameters is None:
            return 0
        counted = _count(frozenset(parameters))
        return int((await self._reader.search(counted, {"webhook_id": webhook_id, **parameters}))[0][0])

    async def outgoing(self, delivery_id: UUID) -> Outgoing | None:
        rows = await self._reader.look_up(_OUTGOING, {"delivery_id": delivery_id})
        if not rows:
            return None
        delivery = delivery_of(rows[0])
        found = await self._reader.look_up(_WEBHOOK, {"webhook_id": delivery.webhook_id})
        return Outgoing(delivery, webhook_of(found[0]) if found else None, bool(rows[0].waits))


def _set(filters: DeliveryFilters) -> dict[str, object] | None:
    """The filters that are set; None where one of them can match nothing that a store could hold."""
    if filters.event is not None and not storable(filters.event):
        return None
    status = None if filters.status is None else filters.status.value
    return {name: value for name, value in (("status", status), ("event", filters.event)) if value is not None}


@lru_cache
def _webhooks(continues: bool) -> Select[Any]:
    return paged(select(webhooks), webhooks.c.created_at, webhooks.c.id, descending=True, continues=continues)


def _chosen(names: frozenset[str]) -> list[ColumnElement[bool]]:
    return [deliveries.c.webhook_id == bindparam("webhook_id"), *(_CONDITIONS[name] for name in sorted(names))]


@lru_cache
def _deliveries(names: frozenset[str], continues: bool) -> Select[Any]:
    chosen = select(deliveries).where(*_chosen(names))
    return paged(chosen, deliveries.c.created_at, deliveries.c.id, descending=True, continues=continues)


@lru_cache
def _count(names: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(deliveries).where(*_chosen(names))

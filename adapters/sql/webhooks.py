"""Webhooks within a unit of work."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from adapters.sql.tables import webhooks
from adapters.sql.work import Work
from application.remembering import WEBHOOKS
from domain.errors import Conflict
from domain.webhooks.webhook import SecretSeed, Subscription, Webhook, WebhookRepository

_INSERT = insert(webhooks)
_LOCK = select(webhooks).where(webhooks.c.id == bindparam("webhook_id")).with_for_update()
_UPDATE = update(webhooks).where(webhooks.c.id == bindparam("webhook_id"), webhooks.c.version == bindparam("was"))
_DELETE = delete(webhooks).where(webhooks.c.id == bindparam("webhook_id"))
_COUNT = select(func.count()).select_from(webhooks)
_SUBSCRIPTIONS = select(webhooks.c.id, webhooks.c.events).where(webhooks.c.is_active).order_by(webhooks.c.id)


class SqlWebhooks(WebhookRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, webhook: Webhook) -> None:
        await self._work.execute(_INSERT, {"id": webhook.id, **_columns(webhook)})
        self._work.changed.add(WEBHOOKS)

    async def get(self, webhook_id: UUID) -> Webhook | None:
        row = (await self._work.execute(_LOCK, {"webhook_id": webhook_id})).one_or_none()
        return webhook_of(row) if row is not None else None

    async def save(self, webhook: Webhook) -> Webhook:
        saved = replace(webhook, version=webhook.version + 1)
        values = {"webhook_id": webhook.id, "was": webhook.version, **_columns(saved)}
        if (await self._work.execute(_UPDATE, values)).rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The webhook was changed meanwhile; read it again."))
        self._work.changed.add(WEBHOOKS)
        return saved

    async def remove(self, webhook_id: UUID) -> None:
        await self._work.execute(_DELETE, {"webhook_id": webhook_id})
        self._work.changed.add(WEBHOOKS)

    async def count(self) -> int:
        return int((await self._work.execute(_COUNT)).scalar_one())

    async def subscriptions(self) -> Collection[Subscription]:
        rows = await self._work.find(_SUBSCRIPTIONS, {})
        return [Subscription(row.id, tuple(row.events.split())) for row in rows]


def webhook_of(row: Row[Any]) -> Webhook:
    previous = None if row.previous_seed is None else SecretSeed(row.previous_secret_id, row.previous_seed)
    return Webhook(
        id=row.id,
        url=row.url,
        events=tuple(row.events.split()),
        description=row.description,
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        secret=SecretSeed(row.secret_id, row.seed),
        previous=previous,
        previous_until=row.previous_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _columns(webhook: Webhook) -> dict[str, object]:
    """Everything but the id."""
    previous = webhook.previous
    return {
        "url": webhook.url,
        "events": " ".join(webhook.events),
        "description": webhook.description,
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "seed": webhook.secret.seed,
        "secret_id": webhook.secret.secret_id,
        "previous_seed": None if previous is None else previous.seed,
        "previous_secret_id": None if previous is None else previous.secret_id,
        "previous_until": webhook.previous_until,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "version": webhook.version,
    }

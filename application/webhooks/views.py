"""What readers get to see of webhooks and of what was sent to them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.identity.views import Versioned
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.webhook import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """`overlap_until`: until then, what was replaced by the latest rotation signs too."""

    id: UUID
    url: str
    events: tuple[str, ...]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    overlap_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookView":
        return cls(
            id=webhook.id,
            url=webhook.url,
            events=webhook.events,
            description=webhook.description,
            is_active=webhook.is_active,
            disabled_reason=webhook.disabled_reason,
            overlap_until=webhook.previous_until,
            created_at=webhook.created_at,
            updated_at=webhook.updated_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook(WebhookView):
    """With its secret, this once."""

    secret: str


def shown_webhook(webhook: Webhook) -> Versioned[WebhookView]:
    return Versioned(WebhookView.of(webhook), webhook.version)


def told_webhook(webhook: Webhook, secret: str) -> Versioned[NewWebhook]:
    return Versioned(NewWebhook(**asdict(WebhookView.of(webhook)), secret=secret), webhook.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """`message_id` is what the receiver knows it by (`webhook-id`), at each attempt and each repetition. `attempts` are
    counted since it was made, or last repeated by hand; `last_status`, `error` and `took_ms` are of the last one."""

    id: UUID
    webhook_id: UUID
    message_id: UUID
    event: str
    subject: UUID
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    error: str | None
    took_ms: int | None
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        return cls(**_fields(delivery))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail(DeliveryView):
    """With what is sent."""

    body: str

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryDetail":
        return cls(**_fields(delivery), body=delivery.body)


def _fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "message_id": delivery.message_id,
        "event": delivery.event,
        "subject": delivery.subject,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "error": delivery.error,
        "took_ms": delivery.took_ms,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "delivered_at": delivery.settled_at if delivery.status is DeliveryStatus.DELIVERED else None,
    }


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    """None leaves a filter out."""

    status: DeliveryStatus | None = None
    event: str | None = None

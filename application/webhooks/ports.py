"""What webhooks need from outside: a way to send, secrets, and something to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.identity.views import Versioned
from application.paging import Position, Row
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView, WebhookView
from domain.webhooks.delivery import Answer, Delivery
from domain.webhooks.webhook import SecretSeed, Webhook


class Chance(Protocol):
    def __call__(self) -> float:
        """A number from 0 to 1, for the jitter between attempts."""
        ...


class WebhookTargets(Protocol):
    async def accepted(self, url: str) -> str:
        """The URL as it will be called. A name that cannot be resolved just now is no reason to refuse.

        Raises:
            Invalid: `bad-url`, `internal-address`.
        """
        ...


class WebhookSender(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it, and follow no redirect. Never fails, and takes no longer than is set. Nothing is sent to an address
        that is not in the world outside, whatever the name resolves to at this moment."""
        ...


class WebhookSecrets(Protocol):
    """Secrets are derived, and stored nowhere."""

    def new_seed(self) -> SecretSeed: ...

    def secret(self, webhook_id: UUID, seed: SecretSeed) -> str | None:
        """`whsec_` and 32 bytes in base64; None where the key that it was derived with is not configured any more."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery, and its webhook, if there still is one. `waits`: an earlier one of the same subject is pending."""

    delivery: Delivery
    webhook: Webhook | None
    waits: bool


class WebhookQueries(Protocol):
    """Views, outside of any unit of work."""

    async def webhook(self, webhook_id: UUID) -> Versioned[WebhookView] | None: ...

    async def webhooks(self, *, after: Position | None, offset: int, limit: int) -> list[Row[WebhookView]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_webhooks(self) -> int: ...

    async def delivery(self, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail | None: ...

    async def deliveries(
        self, webhook_id: UUID, filters: DeliveryFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[DeliveryView]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_deliveries(self, webhook_id: UUID, filters: DeliveryFilters) -> int: ...

    async def outgoing(self, delivery_id: UUID) -> Outgoing | None: ...

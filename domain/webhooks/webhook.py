"""Webhooks: where to, which events, and what their signatures are made with."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Conflict
from domain.text import line
from domain.webhooks.catalogue import checked

LONGEST_DESCRIPTION = 200
MOST_WEBHOOKS = 100
"""All of them are kept in mind, and each may have to be told of every change."""
OVERLAP = timedelta(hours=24)
"""How long the secret that was replaced goes on signing beside the new one."""
SWITCHED_OFF = "It was switched off."
GONE = "The receiver answered 410: it is gone."


@dataclass(frozen=True, slots=True)
class SecretSeed:
    """What a secret is derived from, together with a key that is not in the store (`secret_id` names it)."""

    secret_id: str
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`events` are patterns. One that is not active is told nothing; `disabled_reason` says why it is not. `previous`
    signs too, until `previous_until`.

    Raises:
        Invalid: a field breaks a rule.
    """

    id: UUID
    url: str
    events: tuple[str, ...]
    description: str | None
    is_active: bool = True
    disabled_reason: str | None = None
    secret: SecretSeed
    previous: SecretSeed | None = None
    previous_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        line(self.description, pointer="/description", longest=LONGEST_DESCRIPTION)

    def changed(self, now: datetime, **fields: Any) -> "Webhook":
        """The webhook with these fields, itself where nothing is different."""
        if "events" in fields:
            fields["events"] = checked(fields["events"])
        if fields.get("is_active", self.is_active) != self.is_active:
            fields["disabled_reason"] = SWITCHED_OFF if self.is_active else None
        after = replace(self, **fields)
        return self if after == self else replace(after, updated_at=now)

    def disabled(self, now: datetime, reason: str) -> "Webhook":
        return replace(self, is_active=False, disabled_reason=reason, updated_at=now)

    def rotated(self, secret: SecretSeed, now: datetime) -> "Webhook":
        """With another secret. The one before signs for a while longer, the one before that no more."""
        return replace(self, secret=secret, previous=self.secret, previous_until=now + OVERLAP, updated_at=now)

    def seeds(self, now: datetime) -> tuple[SecretSeed, ...]:
        """Of all that sign now, the current one first."""
        if self.previous is None or self.previous_until is None or self.previous_until <= now:
            return (self.secret,)
        return (self.secret, self.previous)

    def require_active(self) -> None:
        """Raises Conflict (`webhook-disabled`)."""
        if not self.is_active:
            raise Conflict("webhook-disabled", "This webhook is switched off; switch it on first.")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What has to be known of an active webhook to find out whether it wants an event."""

    webhook_id: UUID
    events: tuple[str, ...]


class WebhookRepository(Protocol):
    """Webhooks within a unit of work."""

    async def add(self, webhook: Webhook) -> None: ...

    async def get(self, webhook_id: UUID) -> Webhook | None:
        """Locked to the end of the unit of work."""
        ...

    async def save(self, webhook: Webhook) -> Webhook:
        """At its next version. Raises Conflict (`changed-meanwhile`): it was saved or removed since it was read."""
        ...

    async def remove(self, webhook_id: UUID) -> None: ...

    async def count(self) -> int: ...

    async def subscriptions(self) -> Collection[Subscription]:
        """Of the active ones."""
        ...

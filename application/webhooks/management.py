"""Webhooks: made, changed and deleted by who holds the permissions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import only_these
from application.identity.views import Versioned
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from application.webhooks.ports import WebhookQueries, WebhookSecrets, WebhookTargets
from application.webhooks.views import NewWebhook, WebhookView, shown_webhook, told_webhook
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.audit.entry import changed_fields
from domain.errors import Conflict, NotFound
from domain.webhooks.catalogue import checked
from domain.webhooks.webhook import MOST_WEBHOOKS, SWITCHED_OFF, Webhook

READ = Permission("webhooks:read", "See webhooks, and what was sent to them.")
CREATE = Permission("webhooks:create", "Have another service told what happens here.")
UPDATE = Permission("webhooks:update", "Change webhooks, switch them on and off, and give them another secret.")
DELETE = Permission("webhooks:delete", "Delete webhooks.")

CHANGEABLE = frozenset({"url", "events", "description", "is_active"})
NEWEST_FIRST = Sort("created_at", descending=True)
ADDING = "webhooks"
"""Adding one is serialised under this name: there are only so many."""


@dataclass(frozen=True)
class ListWebhooks:
    """Newest first."""

    rule: ClassVar[Rule] = holder(READ)

    queries: WebhookQueries

    async def __call__(self, actor: Actor, *, page: PageRequest = PageRequest()) -> Page[WebhookView]:
        require(actor, self.rule)
        return await read_page(page, NEWEST_FIRST, self.queries.webhooks, self.queries.count_webhooks)


@dataclass(frozen=True)
class ShowWebhook:
    rule: ClassVar[Rule] = holder(READ)

    queries: WebhookQueries

    async def __call__(self, actor: Actor, *, webhook_id: UUID) -> Versioned[WebhookView]:
        """Raises NotFound (`webhook-not-found`)."""
        require(actor, self.rule)
        found = await self.queries.webhook(webhook_id)
        if found is None:
            raise no_such_webhook()
        return found


@dataclass(frozen=True)
class CreateWebhook:
    """It is told of what happens from now on."""

    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    targets: WebhookTargets
    secrets: WebhookSecrets
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        url: str,
        events: Iterable[str],
        description: str | None = None,
        once: Once[Versioned[WebhookView]] | None = None,
    ) -> Versioned[NewWebhook]:
        """A repeated request is not told the secret again.

        Raises Invalid for the fields (`bad-url`, `internal-address`, `no-events`, `too-many-events`, `unknown-event`),
        Conflict (`too-many-webhooks`)."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        now = self.clock.now()
        webhook = Webhook(
            id=self.ids.new(),
            url=await self.targets.accepted(url),
            events=checked(events),
            description=description,
            secret=self.secrets.new_seed(),
            created_at=now,
            updated_at=now,
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, shown_webhook(webhook))
            await uow.serialise(ADDING)
            if await uow.webhooks.count() >= MOST_WEBHOOKS:
                raise Conflict("too-many-webhooks", f"There are {MOST_WEBHOOKS} webhooks at most; delete one first.")
            await uow.webhooks.add(webhook)
            await self.trail.record(uow, actor, "webhook.created", subject=webhook.id)
        return told_webhook(webhook, _secret_of(webhook, self.secrets))


@dataclass(frozen=True)
class UpdateWebhook:
    """Change the fields that are given, and no others: `url`, `events`, `description`, `is_active`. What waits for one
    that is switched off is given up, and can be repeated; what waits for one that leads elsewhere is due at once."""

    rule: ClassVar[Rule] = holder(UPDATE)

    transactions: Transactions
    targets: WebhookTargets
    trail: Trail
    clock: Clock

    async def __call__(
        self, actor: Actor, *, webhook_id: UUID, expected: Expected = None, **changes: Any
    ) -> Versioned[WebhookView]:
        """Raises NotFound (`webhook-not-found`), Invalid for the fields (`bad-url`, `internal-address`, `no-events`,
        `too-many-events`, `unknown-event`), Stale."""
        require(actor, self.rule)
        only_these(changes, CHANGEABLE)
        if "url" in changes:
            changes["url"] = await self.targets.accepted(changes["url"])
        async with self.transactions.begin() as uow:
            webhook = await _loaded(uow, webhook_id, expected)
            now = self.clock.now()
            changed = webhook.changed(now, **changes)
            if changed is webhook:
                return shown_webhook(webhook)
            if webhook.is_active and not changed.is_active:
                await uow.webhook_deliveries.give_up_all(webhook_id, now, SWITCHED_OFF)
            elif webhook.url != changed.url or not webhook.is_active:
                await uow.webhook_deliveries.make_due(webhook_id, now)
            fields = changed_fields(webhook, changed)
            await self.trail.record(uow, actor, "webhook.updated", subject=webhook_id, fields=fields)
            return shown_webhook(await uow.webhooks.save(changed))


@dataclass(frozen=True)
class RotateWebhookSecret:
    """A new secret, told this once. The one before signs beside it for a day, so that receivers can change over."""

    rule: ClassVar[Rule] = holder(UPDATE)

    transactions: Transactions
    secrets: WebhookSecrets
    trail: Trail
    idempotency: Idempotency
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        webhook_id: UUID,
        expected: Expected = None,
        once: Once[Versioned[WebhookView]] | None = None,
    ) -> Versioned[NewWebhook]:
        """A repeated request is not told the secret again. Raises NotFound (`webhook-not-found`), Stale."""
        require(actor, self.rule)
        async with self.idempotency.unless_done(actor, once), self.transactions.begin() as uow:
            webhook = await _loaded(uow, webhook_id, expected)
            rotated = await uow.webhooks.save(webhook.rotated(self.secrets.new_seed(), self.clock.now()))
            await self.idempotency.keep(uow, actor, once, shown_webhook(rotated))
            await self.trail.record(uow, actor, "webhook.secret-rotated", subject=webhook_id)
        return told_webhook(rotated, _secret_of(rotated, self.secrets))


@dataclass(frozen=True)
class DeleteWebhook:
    """Nothing is sent to it any more."""

    rule: ClassVar[Rule] = holder(DELETE)

    transactions: Transactions
    trail: Trail

    async def __call__(self, actor: Actor, *, webhook_id: UUID, expected: Expected = None) -> None:
        """Raises NotFound (`webhook-not-found`), Stale."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            await _loaded(uow, webhook_id, expected)
            await uow.webhooks.remove(webhook_id)
            await self.trail.record(uow, actor, "webhook.deleted", subject=webhook_id)


async def _loaded(uow: UnitOfWork, webhook_id: UUID, expected: Expected) -> Webhook:
    webhook = await uow.webhooks.get(webhook_id)
    if webhook is None:
        raise no_such_webhook()
    require_version(webhook.version, expected)
    return webhook


def _secret_of(webhook: Webhook, secrets: WebhookSecrets) -> str:
    secret = secrets.secret(webhook.id, webhook.secret)
    assert secret is not None  # noqa: S101 (it was made with the current key just now)
    return secret


def no_such_webhook() -> NotFound:
    return NotFound("webhook-not-found", "There is no such webhook.")

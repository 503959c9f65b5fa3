"""What was sent to webhooks: looked up, and sent once more."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.jobs.kinds import Run
from application.jobs.views import JobView
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from application.webhooks.management import READ, no_such_webhook
from application.webhooks.ports import WebhookQueries
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.errors import Invalid, NotFound
from domain.jobs.job import Job
from domain.webhooks.delivery import Delivery, DeliveryStatus

REPLAY = Permission("webhooks:replay", "Have what was sent to webhooks sent once more.")

NEWEST_FIRST = Sort("created_at", descending=True)
REPLAY_JOB = "replay-webhook"
SETTLED = (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)
CHUNK = 100
"""Deliveries that one transaction of a span's replay makes pending."""


@dataclass(frozen=True)
class ListWebhookDeliveries:
    """Newest first."""

    rule: ClassVar[Rule] = holder(READ)

    queries: WebhookQueries

    async def __call__(
        self,
        actor: Actor,
        *,
        webhook_id: UUID,
        filters: DeliveryFilters = DeliveryFilters(),
        page: PageRequest = PageRequest(),
    ) -> Page[DeliveryView]:
        """Raises NotFound (`webhook-not-found`)."""
        require(actor, self.rule)
        if await self.queries.webhook(webhook_id) is None:
            raise no_such_webhook()
        return await read_page(
            page,
            NEWEST_FIRST,
            partial(self.queries.deliveries, webhook_id, filters),
            partial(self.queries.count_deliveries, webhook_id, filters),
        )


@dataclass(frozen=True)
class ShowWebhookDelivery:
    """With what is sent."""

    rule: ClassVar[Rule] = holder(READ)

    queries: WebhookQueries

    async def __call__(self, actor: Actor, *, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail:
        """Raises NotFound (`webhook-not-found`, `delivery-not-found`)."""
        require(actor, self.rule)
        if await self.queries.webhook(webhook_id) is None:
            raise no_such_webhook()
        found = await self.queries.delivery(webhook_id, delivery_id)
        if found is None:
            raise _no_such_delivery()
        return found


@dataclass(frozen=True)
class ReplayWebhookDelivery:
    """Send it once more, with the id that it had; from the first attempt on, as if it had never been tried."""

    rule: ClassVar[Rule] = holder(REPLAY)

    transactions: Transactions
    trail: Trail
    clock: Clock
    ids: Ids

    async def __call__(self, actor: Actor, *, webhook_id: UUID, delivery_id: UUID) -> DeliveryView:
        """Raises NotFound (`webhook-not-found`, `delivery-not-found`), Conflict (`webhook-disabled`,
        `delivery-pending`)."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            await _require_active(uow, webhook_id)
            delivery = await uow.webhook_deliveries.get(delivery_id)
            if delivery is None or delivery.webhook_id != webhook_id:
                raise _no_such_delivery()
            now = self.clock.now()
            repeated = delivery.repeated(now)
            await uow.webhook_deliveries.save(repeated)
            await uow.jobs.add(repeated.job(self.ids.new(), now))
            await self.trail.record(uow, actor, "webhook.delivery-replayed", subject=webhook_id, item=delivery_id)
        return DeliveryView.of(repeated)


@dataclass(frozen=True)
class ReplayWebhookDeliveries:
    """Send what belongs to a span of time once more, in order. It is a job, of who asks for it."""

    rule: ClassVar[Rule] = holder(REPLAY)

    transactions: Transactions
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        webhook_id: UUID,
        since: datetime,
        until: datetime,
        status: DeliveryStatus | None = None,
        once: Once[JobView] | None = None,
    ) -> JobView:
        """Of events from `since` on and before `until`; `status` None: whatever became of them.

        Raises NotFound (`webhook-not-found`), Invalid (`bad-span`, `bad-status`), Conflict (`webhook-disabled`).
        """
        require(actor, self.rule)
        if since >= until:
            raise Invalid.field("bad-span", "/until", "This has to be later than `since`.")
        if status is DeliveryStatus.PENDING:
            raise Invalid.field("bad-status", "/status", "What is pending is sent by itself.")
        await self.idempotency.check(actor, once)
        now = self.clock.now()
        wanted = SETTLED if status is None else (status,)
        job = Job(
            id=self.ids.new(),
            kind=REPLAY_JOB,
            args={
                "webhook_id": str(webhook_id),
                "since": since.isoformat(),
                "until": until.isoformat(),
                "statuses": [each.value for each in wanted],
            },
            created_at=now,
            due_at=now,
            owner_id=actor.user_id,
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, JobView.of(job))
            await _require_active(uow, webhook_id)
            await uow.jobs.add(job)
            await self.trail.record(uow, actor, "webhook.replay-requested", subject=webhook_id, item=job.id)
        return JobView.of(job)


@dataclass(frozen=True)
class Replaying:
    """The job. What it made pending since it was asked for is not asked for again: so it may be begun anew, and goes on
    counting."""

    transactions: Transactions
    clock: Clock
    ids: Ids

    async def work(self, run: Run) -> None:
        """Raises NotFound (`webhook-not-found`), Conflict (`webhook-disabled`)."""
        args = run.job.args
        done, behind = run.job.progress.done, 0
        while True:
            async with self.transactions.begin() as uow:
                found = await self._some(uow, args, run.job.created_at, behind)
            if not found:
                break
            done, behind = done + len(found), found[-1].number
            await run.progress(done)
        async with run.finishing({"deliveries": done}):
            pass

    async def _some(self, uow: UnitOfWork, args: Any, asked_at: datetime, behind: int) -> list[Delivery]:
        webhook_id = UUID(args["webhook_id"])
        await _require_active(uow, webhook_id)
        found = await uow.webhook_deliveries.settled_within(
            webhook_id,
            since=datetime.fromisoformat(args["since"]),
            until=datetime.fromisoformat(args["until"]),
            statuses=[DeliveryStatus(each) for each in args["statuses"]],
            asked_at=asked_at,
            behind=behind,
            limit=CHUNK,
        )
        now = self.clock.now()
        repeated = [delivery.repeated(now) for delivery in found]
        for delivery in repeated:
            await uow.webhook_deliveries.save(delivery)
            await uow.jobs.add(delivery.job(self.ids.new(), now))
        return repeated


async def _require_active(uow: UnitOfWork, webhook_id: UUID) -> None:
    webhook = await uow.webhooks.get(webhook_id)
    if webhook is None:
        raise no_such_webhook()
    webhook.require_active()


def _no_such_delivery() -> NotFound:
    return NotFound("delivery-not-found", "There is no such delivery.")

"""What administrators tell members: one, or all."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import loaded
from application.jobs.telling import tell_job
from application.jobs.views import JobView
from application.notifications.notifier import Notifier
from application.notifications.views import NotificationView
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.jobs.job import Job
from domain.notifications.notification import Broadcast, Kind, Notification

SEND = Permission("notifications:send", "Write to a member.")
BROADCAST = Permission("notifications:broadcast", "Write to all members at once.")

BROADCAST_JOB = "broadcast"


@dataclass(frozen=True)
class SendNotification:
    """A message to one member, active or not."""

    rule: ClassVar[Rule] = holder(SEND)

    transactions: Transactions
    notifier: Notifier
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self, actor: Actor, *, user_id: UUID, title: str, body: str, once: Once[NotificationView] | None = None
    ) -> NotificationView:
        """Raises Invalid for title and body, NotFound (`user-not-found`)."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        message = Notification(
            id=self.ids.new(),
            user_id=user_id,
            kind=Kind.MESSAGE,
            title=title,
            body=body,
            created_at=self.clock.now(),
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, NotificationView.of(message))
            await loaded(uow, user_id)
            await self.notifier.deliver(uow, actor, message)
            await self.trail.record(uow, actor, "notification.sent", subject=user_id, item=message.id)
        return NotificationView.of(message)


@dataclass(frozen=True)
class BroadcastNotification:
    """To every member who is active when their turn comes. It is a job, of who asks for it."""

    rule: ClassVar[Rule] = holder(BROADCAST)

    transactions: Transactions
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(self, actor: Actor, *, title: str, body: str, once: Once[JobView] | None = None) -> JobView:
        """Raises Invalid for title and body."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        now = self.clock.now()
        broadcast = Broadcast(id=self.ids.new(), title=title, body=body, created_at=now)
        job = Job(
            id=self.ids.new(),
            kind=BROADCAST_JOB,
            args={"broadcast_id": str(broadcast.id)},
            created_at=now,
            due_at=now,
            owner_id=actor.user_id,
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, JobView.of(job))
            await uow.broadcasts.add(broadcast)
            await uow.jobs.add(job)
            tell_job(uow, job)
            await self.trail.record(uow, actor, "broadcast.requested", item=broadcast.id)
        return JobView.of(job)

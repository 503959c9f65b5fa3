"""What has to be swept now and then, so that nothing expired piles up."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import ClassVar

from application.access.api_keys import EXPIRED_KEPT_FOR
from application.audit.trail import Trail
from application.idempotency import KEPT_FOR
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, Rule, require


@dataclass(frozen=True, slots=True)
class Swept:
    sessions: int
    signing_keys: int
    api_keys: int
    kept_answers: int
    one_time_tokens: int
    jobs: int
    events: int
    notifications: int
    broadcasts: int
    live_tickets: int
    webhook_deliveries: int
    import_expectations: int

    @property
    def kinds(self) -> list[str]:
        """What there was of."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, field.name)} {field.name.replace('_', ' ')}" for field in fields(self))


NOTHING = Swept(*(0 for _ in fields(Swept)))
JOBS_KEPT_FOR = timedelta(days=7)
DELIVERIES_KEPT_FOR = timedelta(days=1)
SET_ASIDE_KEPT_FOR = timedelta(days=30)
"""How long what is done can still be looked up, and how long what failed for good can be retried."""
READ_NOTIFICATIONS_KEPT_FOR = timedelta(days=90)
NOTIFICATIONS_KEPT_FOR = timedelta(days=365)
WEBHOOK_DELIVERIES_KEPT_FOR = timedelta(days=30)
AT_ONCE = 5_000
"""Jobs, events, notifications, deliveries to webhooks and notes of dry runs that one transaction removes, so that none
takes too long however many there are."""


@dataclass(frozen=True)
class Sweep:
    """Remove sessions, signing keys, kept answers, tokens of links and tickets that have run out, API keys that did so
    a month ago, jobs, events and deliveries to webhooks that were done with some days ago, old notifications, and
    what dry runs noted; of many, in several transactions."""

    rule: ClassVar[Rule] = OPERATOR

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor) -> Swept:
        """How many of each there were."""
        require(actor, self.rule)
        total = NOTHING
        while True:
            swept = await self._sweep_some(actor)
            total += swept
            of_many = (
                swept.jobs,
                swept.events,
                swept.notifications,
                swept.broadcasts,
                swept.webhook_deliveries,
                swept.import_expectations,
            )
            if max(of_many) < AT_ONCE:
                return total

    async def _sweep_some(self, actor: Actor) -> Swept:
        now = self.clock.now()
        async with self.transactions.begin() as uow:
            swept = Swept(
                sessions=await uow.sessions.remove_expired(now),
                signing_keys=await uow.signing_keys.remove_expired(now),
                api_keys=await uow.api_keys.remove_expired(now - EXPIRED_KEPT_FOR),
                kept_answers=await uow.idempotency.remove_before(now - KEPT_FOR),
                one_time_tokens=await uow.one_time_tokens.remove_expired(now),
                jobs=await uow.jobs.remove_finished(
                    now - JOBS_KEPT_FOR,
                    deliveries_before=now - DELIVERIES_KEPT_FOR,
                    set_aside_before=now - SET_ASIDE_KEPT_FOR,
                    limit=AT_ONCE,
                ),
                events=await uow.events.remove_before(now - DELIVERIES_KEPT_FOR, limit=AT_ONCE),
                notifications=await uow.notifications.remove_old(
                    read_before=now - READ_NOTIFICATIONS_KEPT_FOR, before=now - NOTIFICATIONS_KEPT_FOR, limit=AT_ONCE
                ),
                broadcasts=await uow.broadcasts.remove_before(now - NOTIFICATIONS_KEPT_FOR, limit=AT_ONCE),
                live_tickets=await uow.live_tickets.remove_expired(now),
                webhook_deliveries=await uow.webhook_deliveries.remove_settled(
                    now - WEBHOOK_DELIVERIES_KEPT_FOR, limit=AT_ONCE
                ),
                import_expectations=await uow.imports.forget_expected(limit=AT_ONCE),
            )
            if swept != NOTHING:
                await self.trail.record(uow, actor, "housekeeping.swept", fields=swept.kinds)
        return swept

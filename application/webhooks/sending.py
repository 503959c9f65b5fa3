"""The job that brings one delivery to its webhook, and what becomes of it."""

from dataclasses import dataclass
from uuid import UUID

from application.audit.trail import Trail
from application.jobs.kinds import Postponed, Run
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from application.webhooks.gate import Gate, TurnedAway
from application.webhooks.ports import Chance, WebhookQueries, WebhookSecrets, WebhookSender
from domain.access.actor import PROCESS
from domain.webhooks.delivery import GIVE_UP_AFTER, Answer, Delivery
from domain.webhooks.signature import signature
from domain.webhooks.webhook import GONE, SWITCHED_OFF, Webhook

MOST_OVERDUE = 1_000
DELETED = "The webhook was deleted."
AWAY = f"The receiver was away for {GIVE_UP_AFTER.days} days."
UNSIGNED = "Its secret was derived with a MOOTHALL_SECRET_KEY that is not configured any more: rotate it."


@dataclass(frozen=True)
class WebhookSending:
    """No transaction is open while the receiver is waited for. See `DeliveryRepository` for what keeps the order."""

    transactions: Transactions
    queries: WebhookQueries
    sender: WebhookSender
    secrets: WebhookSecrets
    gate: Gate
    trail: Trail
    clock: Clock
    ids: Ids
    chance: Chance

    async def work(self, run: Run) -> None:
        """Raises Postponed where there is no room just now."""
        found = await self.queries.outgoing(UUID(run.job.args["delivery_id"]))
        if found is None:
            return
        if not found.delivery.is_pending:
            await self._leave(run, found.delivery)
        elif found.waits:
            await self._wait(run, found.delivery)
        elif found.webhook is None or not found.webhook.is_active:
            await self._give_up(run, found.delivery, DELETED if found.webhook is None else SWITCHED_OFF)
        else:
            await self._try(run, found.delivery, found.webhook)

    async def wake_overdue(self) -> int:
        """Should a job have been lost, to a defect say, another one does its work; how many were looked after."""
        now = self.clock.now()
        async with self.transactions.begin() as uow:
            found = await uow.webhook_deliveries.overdue(now, limit=MOST_OVERDUE)
            await uow.jobs.add_all([delivery.job(self.ids.new(), now) for delivery in found])
        return len(found)

    async def _leave(self, run: Run, over: Delivery) -> None:
        """Unless somebody has it repeated just now, and found that it has a job."""
        async with run.finishing() as uow:
            delivery = await uow.webhook_deliveries.get(over.id)
            if delivery is not None and delivery.is_pending:
                run.again_at(self.clock.now())

    async def _wait(self, run: Run, delivery: Delivery) -> None:
        """Whoever settles the earlier one leaves another job for this one."""
        async with run.finishing() as uow:
            if not await uow.webhook_deliveries.lock_earlier(delivery):
                run.again_at(self.clock.now())

    async def _give_up(self, run: Run, waiting: Delivery, why: str) -> None:
        """Unless it was switched on again just now."""
        async with run.finishing() as uow:
            webhook = await uow.webhooks.get(waiting.webhook_id)
            delivery = await uow.webhook_deliveries.get(waiting.id)
            if webhook is not None and webhook.is_active:
                run.again_at(self.clock.now())
            elif delivery is not None and delivery.is_pending:
                await self._store(uow, delivery.given_up(self.clock.now(), why))

    async def _drop(self, run: Run, turned_away: Delivery) -> None:
        """One at a time is let in to a receiver that is away: the others would never come to an end."""
        now = self.clock.now()
        async with run.finishing() as uow:
            delivery = await uow.webhook_deliveries.get(turned_away.id)
            if delivery is not None and delivery.is_pending:
                if delivery.is_old(now):
                    await self._store(uow, delivery.given_up(now, AWAY))
                else:
                    run.again_at(now)

    async def _try(self, run: Run, delivery: Delivery, webhook: Webhook) -> None:
        entry = self.gate.enter(webhook)
        if isinstance(entry, TurnedAway):
            if not (entry.is_away and delivery.is_old(self.clock.now())):
                raise Postponed(entry.until)
            await self._drop(run, delivery)
            return
        answer: Answer | None = None
        try:
            answer = await self._send(delivery, webhook)
        finally:
            self.gate.leave(entry, answer)
        await self._settle(run, delivery, webhook, answer)

    async def _send(self, delivery: Delivery, webhook: Webhook) -> Answer:
        """Signed by each secret that counts now."""
        now = self.clock.now()
        secrets = [self.secrets.secret(webhook.id, seed) for seed in webhook.seeds(now)]
        if secrets[0] is None:
            return Answer(error=UNSIGNED)
        message_id, timestamp, body = str(delivery.message_id), str(int(now.timestamp())), delivery.body.encode()
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(
                signature(secret, message_id, timestamp, body) for secret in secrets if secret is not None
            ),
        }
        return await self.sender.send(webhook.url, headers, body)

    async def _settle(self, run: Run, sent: Delivery, webhook: Webhook, answer: Answer) -> None:
        """Whatever was done to the delivery meanwhile: what was delivered is delivered."""
        now = self.clock.now()
        async with run.finishing() as uow:
            is_gone = answer.is_gone and await self._disable(uow, webhook)
            delivery = await uow.webhook_deliveries.get(sent.id)
            if delivery is None or not (delivery.is_pending or answer.is_success or is_gone):
                return
            after = delivery.attempted(answer, now, self.chance())
            if is_gone:
                after = after.given_up(now, GONE)
            await self._store(uow, after)
            if after.next_attempt_at is not None:
                run.again_at(after.next_attempt_at)

    async def _disable(self, uow: UnitOfWork, called: Webhook) -> bool:
        """Unless it leads elsewhere by now; whether it was disabled just now."""
        now = self.clock.now()
        webhook = await uow.webhooks.get(called.id)
        if webhook is None or not webhook.is_active or webhook.url != called.url:
            return False
        await uow.webhooks.save(webhook.disabled(now, GONE))
        await uow.webhook_deliveries.give_up_all(webhook.id, now, GONE)
        await self.trail.record(uow, PROCESS, "webhook.disabled", subject=webhook.id)
        return True

    async def _store(self, uow: UnitOfWork, delivery: Delivery) -> None:
        """If it is settled, the next one of its subject may go."""
        await uow.webhook_deliveries.save(delivery)
        if not delivery.is_pending:
            following = await uow.webhook_deliveries.next_pending(delivery)
            if following is not None:
                await uow.jobs.add(following.job(self.ids.new(), self.clock.now()))

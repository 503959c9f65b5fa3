"""Paying and paying back.

A gateway is never asked within a transaction. What is about to be asked is stored first, and what it answered after
that: a crash in between leaves a payment that the next attempt goes on with, by the same id. Money goes back by a
reaction, which is tried for as long as the gateway is away.
"""

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.views import Versioned
from application.orders.books import NOBODY, Books, loaded_order, no_such_order, owner_of
from application.orders.ports import MANUAL, OrderQueries, Outcome, PaymentGateways
from application.orders.views import OrderView, shown_order
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, OWNER_IN_PERSON, Rule, holder, is_theirs_to_see, judge, require
from domain.errors import Invalid, NotFound
from domain.events import Emitted
from domain.orders.events import RefundDue
from domain.orders.order import Order, OrderStatus
from domain.orders.payment import TAKEN, Payment, PaymentStatus, failed

MARK_PAID = Permission("orders:mark-paid", "Say that an order has been paid by hand.")
REFUND = Permission("orders:refund", "Refund orders that are paid.")


@dataclass(frozen=True)
class Settlement:
    """What becomes of a payment and its order once a gateway has spoken."""

    transactions: Transactions
    gateways: PaymentGateways
    books: Books
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def record(self, uow: UnitOfWork, actor: Actor, payment: Payment, outcome: Outcome) -> tuple[Order, Payment]:
        """Once, however often it is said. Money for an order that waits for none any more is due to go back.

        Raises Conflict (`reference-taken`).
        """
        order = await loaded_order(uow, payment.order_id)
        payment = await uow.payments.get(payment.id) or payment
        came = outcome.status is PaymentStatus.SUCCEEDED
        if outcome.status is PaymentStatus.PENDING or payment.status in TAKEN or payment.status is outcome.status:
            return order, payment
        now = self.clock.now()
        payment = payment.settled(outcome.status, now, reference=outcome.reference, reason=outcome.reason)
        await uow.payments.save(payment)
        if not came:
            await self.trail.record(uow, actor, "payment.failed", subject=order.user_id, item=order.id)
        elif order.status is OrderStatus.PLACED:
            order = await self.books.record(uow, actor, order.become(OrderStatus.PAID, now))
        else:
            payment = await self.owe_back(uow, actor, payment)
            await self.trail.record(uow, actor, "payment.unclaimed", subject=order.user_id, item=order.id)
        return order, payment

    async def owe_back(self, uow: UnitOfWork, actor: Actor, payment: Payment) -> Payment:
        """What came by hand goes back by hand."""
        status = PaymentStatus.REFUNDED if payment.gateway == MANUAL else PaymentStatus.REFUND_DUE
        payment = payment.settled(status, self.clock.now())
        await uow.payments.save(payment)
        if status is PaymentStatus.REFUND_DUE:
            await self.outbox.emit(uow, actor, RefundDue(payment.id))
        return payment

    async def give_back(self, emitted: Emitted) -> None:
        """What is due; nothing where it went back already.

        Raises Unavailable: the gateway is away. Invalid (`unknown-gateway`): there is none of that name any more."""
        event = emitted.event
        assert isinstance(event, RefundDue)  # noqa: S101
        async with self.transactions.begin() as uow:
            payment = await uow.payments.get(event.payment_id)
        if payment is None or payment.status is not PaymentStatus.REFUND_DUE:
            return
        await self.gateways.named(payment.gateway).refund(payment)
        async with self.transactions.begin() as uow:
            order = await loaded_order(uow, payment.order_id)
            payment = await uow.payments.get(payment.id)
            if payment is not None and payment.status is PaymentStatus.REFUND_DUE:
                await uow.payments.save(payment.settled(PaymentStatus.REFUNDED, self.clock.now()))
                await self.trail.record(uow, emitted.by(), "payment.refunded", subject=order.user_id, item=order.id)


@dataclass(frozen=True)
class PayOrder:
    """One's own, through a gateway. By hand, that is by whoever sees the money come and holds `orders:mark-paid`:
    until then the order waits."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(MARK_PAID, own_in_person=True)

    transactions: Transactions
    queries: OrderQueries
    gateways: PaymentGateways
    settlement: Settlement
    books: Books
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        order_id: UUID,
        gateway: str = MANUAL,
        instruction: str | None = None,
        expected: Expected = None,
        once: Once[Versioned[OrderView]] | None = None,
    ) -> Versioned[OrderView]:
        """The order, which is paid now or still placed: its gateway will call back.

        Raises NotFound (`order-not-found`), Invalid (`unknown-gateway`, `bad-instruction`), Conflict
        (`order-not-placed`, `payment-failed`), Stale, Unavailable (`gateway-unavailable`)."""
        if not is_theirs_to_see(actor, self.rule, owner=owner_of(await self.queries.order(order_id))):
            raise no_such_order()
        async with self.idempotency.unless_done(actor, once):
            if gateway == MANUAL:
                if instruction is not None:
                    raise Invalid.field("bad-instruction", "/outcome", "By hand there is no gateway to be told this.")
                return await self._by_hand(actor, order_id, expected, once)
            return await self._through(gateway, actor, order_id, instruction, expected, once)

    async def _through(
        self,
        gateway: str,
        actor: Actor,
        order_id: UUID,
        instruction: str | None,
        expected: Expected,
        once: Once[Versioned[OrderView]] | None,
    ) -> Versioned[OrderView]:
        chosen = self.gateways.named(gateway)
        chosen.check(instruction)
        async with self.transactions.begin() as uow:
            order = await loaded_order(uow, order_id, expected)
            order.require_may_become(OrderStatus.PAID)
            payment = await self._begun(uow, order, gateway)
            if payment is None:
                payment = self._new(order, gateway)
                await uow.payments.add(payment)
                await self.trail.record(uow, actor, "payment.started", subject=order.user_id, item=order.id)
        outcome = await chosen.charge(payment, instruction)
        async with self.transactions.begin() as uow:
            order, payment = await self.settlement.record(uow, actor, payment, outcome)
            if payment.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PENDING):
                await self.idempotency.keep(uow, actor, once, shown_order(order))
        if payment.status is PaymentStatus.FAILED:
            raise failed(payment)
        if payment.status is not PaymentStatus.SUCCEEDED:
            order.require_may_become(OrderStatus.PAID)
        return shown_order(order)

    async def _by_hand(
        self, actor: Actor, order_id: UUID, expected: Expected, once: Once[Versioned[OrderView]] | None
    ) -> Versioned[OrderView]:
        async with self.transactions.begin() as uow:
            order = await loaded_order(uow, order_id, expected)
            order.require_may_become(OrderStatus.PAID)
            begun = await self._begun(uow, order, MANUAL)
            payment = begun or self._new(order, MANUAL)
            if begun is None:
                await uow.payments.add(payment)
            if judge(actor, holder(MARK_PAID, own_in_person=True), owner=order.user_id or NOBODY) is None:
                now = self.clock.now()
                await uow.payments.save(payment.settled(PaymentStatus.SUCCEEDED, now))
                order = await self.books.record(uow, actor, order.become(OrderStatus.PAID, now))
            elif begun is None:
                await self.trail.record(uow, actor, "payment.started", subject=order.user_id, item=order.id)
            await self.idempotency.keep(uow, actor, once, shown_order(order))
        return shown_order(order)

    async def _begun(self, uow: UnitOfWork, order: Order, gateway: str) -> Payment | None:
        """One that was begun with this gateway, and of which nobody knows yet what became of it."""
        pending = (p for p in await uow.payments.of_order(order.id) if p.status is PaymentStatus.PENDING)
        return next((payment for payment in pending if payment.gateway == gateway), None)

    def _new(self, order: Order, gateway: str) -> Payment:
        now = self.clock.now()
        return Payment(
            id=self.ids.new(),
            order_id=order.id,
            gateway=gateway,
            status=PaymentStatus.PENDING,
            amount=order.total,
            currency=order.currency,
            created_at=now,
            updated_at=now,
        )


@dataclass(frozen=True)
class RefundOrder:
    """The order is refunded at once, and its stock given back; the money goes back by the gateway that took it, as soon
    as that one answers."""

    rule: ClassVar[Rule] = holder(REFUND)

    transactions: Transactions
    settlement: Settlement
    books: Books
    idempotency: Idempotency
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        order_id: UUID,
        expected: Expected = None,
        once: Once[Versioned[OrderView]] | None = None,
    ) -> Versioned[OrderView]:
        """Raises NotFound (`order-not-found`), Conflict (`order-not-paid`), Stale."""
        require(actor, self.rule)
        async with self.idempotency.unless_done(actor, once), self.transactions.begin() as uow:
            order = await loaded_order(uow, order_id, expected)
            order = await self.books.record(uow, actor, order.become(OrderStatus.REFUNDED, self.clock.now()))
            for payment in await uow.payments.of_order(order_id):
                if payment.status is PaymentStatus.SUCCEEDED:
                    await self.settlement.owe_back(uow, actor, payment)
            await self.idempotency.keep(uow, actor, once, shown_order(order))
        return shown_order(order)


@dataclass(frozen=True)
class TakePaymentNotice:
    """What a gateway calls back to say; its signature is what lets it."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    gateways: PaymentGateways
    settlement: Settlement

    async def __call__(self, actor: Actor, *, gateway: str, body: bytes, signature: str | None) -> None:
        """Raises NotFound (`gateway-not-found`, `payment-not-found`), Unauthenticated (`bad-signature`), Invalid
        (`bad-notice`, `wrong-amount`), Conflict (`reference-taken`)."""
        if gateway not in self.gateways.by_name:
            raise NotFound("gateway-not-found", "This installation has no such gateway.")
        notice = self.gateways.by_name[gateway].read(body, signature)
        caller = replace(actor, called=f"gateway:{gateway}")
        async with self.transactions.begin() as uow:
            payment = await uow.payments.get(notice.payment_id)
            if payment is None or payment.gateway != gateway:
                raise NotFound("payment-not-found", "There is no such payment.")
            payment.require_amount(notice.amount, notice.currency)
            await self.settlement.record(uow, caller, payment, notice.outcome)

"""What happens to orders. `user_id` is whose they are; None once that account was deleted."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    """A member placed an order."""

    name: ClassVar[str] = "order.placed"
    subject: ClassVar[str | None] = "order_id"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OrderPaid(Event):
    """An order was paid, by hand or through a gateway."""

    name: ClassVar[str] = "order.paid"
    subject: ClassVar[str | None] = "order_id"
    order_id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class OrderFulfilled(Event):
    """What was ordered has been delivered."""

    name: ClassVar[str] = "order.fulfilled"
    subject: ClassVar[str | None] = "order_id"
    order_id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """An order was cancelled before it was paid."""

    name: ClassVar[str] = "order.cancelled"
    subject: ClassVar[str | None] = "order_id"
    order_id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class OrderRefunded(Event):
    """An order was refunded."""

    name: ClassVar[str] = "order.refunded"
    subject: ClassVar[str | None] = "order_id"
    order_id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class RefundDue(Event):
    """Money came that has to go back, whosever the order is by now; its gateway has still to be asked."""

    name: ClassVar[str] = "payment.refund-due"
    payment_id: UUID

"""What happens to orders, and has to be told to whom they belong."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    name: ClassVar[str] = "order.placed"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OrderPaid(Event):
    name: ClassVar[str] = "order.paid"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OrderFulfilled(Event):
    name: ClassVar[str] = "order.fulfilled"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    name: ClassVar[str] = "order.cancelled"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OrderRefunded(Event):
    name: ClassVar[str] = "order.refunded"
    order_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RefundDue(Event):
    """Money came that has to go back, whosever the order is by now; its gateway has still to be asked."""

    name: ClassVar[str] = "payment.refund-due"
    payment_id: UUID

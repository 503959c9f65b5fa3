"""What readers get to see of orders."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.identity.views import Versioned
from domain.orders.order import Order, OrderLine, OrderStatus


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """As it was when the order was placed."""

    sku: str
    name: str
    quantity: int
    unit_price: int

    @classmethod
    def of(cls, line: OrderLine) -> "OrderLineView":
        return cls(line.sku, line.name, line.quantity, line.unit_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """`number` is what people call it by. `total` and prices are in minor units of `currency`. `user_id` is null once
    the account was deleted."""

    id: UUID
    number: str
    user_id: UUID | None
    status: OrderStatus
    currency: str
    total: int
    lines: tuple[OrderLineView, ...]
    placed_at: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        return cls(
            id=order.id,
            number=order.number,
            user_id=order.user_id,
            status=order.status,
            currency=order.currency,
            total=order.total,
            lines=tuple(map(OrderLineView.of, order.lines)),
            placed_at=order.placed_at,
            paid_at=order.paid_at,
            fulfilled_at=order.fulfilled_at,
            cancelled_at=order.cancelled_at,
            refunded_at=order.refunded_at,
        )


def shown_order(order: Order) -> Versioned[OrderView]:
    return Versioned(OrderView.of(order), order.version)


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """None leaves a filter out."""

    user_id: UUID | None = None
    status: OrderStatus | None = None

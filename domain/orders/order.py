"""Orders: what was bought at which price, and what may become of it.

placed ──pay──▶ paid ──fulfil──▶ fulfilled
  │              │                  │
cancel         refund            refund
  ▼              ▼                  ▼
cancelled      refunded          refunded
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Conflict, FieldProblem, Invalid
from domain.events import Event
from domain.money import LARGEST_TOTAL, whole
from domain.orders.events import OrderCancelled, OrderFulfilled, OrderPaid, OrderPlaced, OrderRefunded
from domain.orders.number import order_number
from domain.products.product import Product, key_of

MOST_LINES = 100
LARGEST_QUANTITY = 1_000_000


class OrderStatus(Enum):
    PLACED = "placed"
    PAID = "paid"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


COMES_FROM: Mapping[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PAID: (OrderStatus.PLACED,),
    OrderStatus.FULFILLED: (OrderStatus.PAID,),
    OrderStatus.CANCELLED: (OrderStatus.PLACED,),
    OrderStatus.REFUNDED: (OrderStatus.PAID, OrderStatus.FULFILLED),
}
"""What an order has to be to become this. Nothing becomes `placed`, and nothing comes after the last two."""

EVENTS: Mapping[OrderStatus, type[Event]] = {
    OrderStatus.PLACED: OrderPlaced,
    OrderStatus.PAID: OrderPaid,
    OrderStatus.FULFILLED: OrderFulfilled,
    OrderStatus.CANCELLED: OrderCancelled,
    OrderStatus.REFUNDED: OrderRefunded,
}
GIVES_STOCK_BACK = frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as a member asks for it: no price, which is not theirs to say."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """As it was when the order was placed, whatever becomes of the product. `is_held`: the quantity was taken from a
    stock that is counted."""

    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: int
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`user_id` is None once the account was deleted. `total` is in minor units of `currency`."""

    id: UUID
    user_id: UUID | None
    status: OrderStatus
    currency: str
    total: int
    lines: tuple[OrderLine, ...]
    placed_at: datetime
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded_at: datetime | None = None
    version: int = 1

    @classmethod
    def placed(
        cls, *, id: UUID, user_id: UUID, wanted: Sequence[Wanted], products: Mapping[str, Product], now: datetime
    ) -> "Order":
        """At the products' own prices; `products` are by the keys of their skus.

        Raises:
            Invalid: `bad-lines`, `unknown-product`, `mixed-currencies`, `total-too-large`, pointing at the line.
            Conflict: `out-of-stock`, naming the skus.
        """
        lines = [_line(number, ask, products.get(key_of(ask.sku))) for number, ask in enumerate(checked(wanted))]
        bought = [products[key_of(ask.sku)] for ask in wanted]
        for number, product in enumerate(bought):
            if product.currency != bought[0].currency:
                detail = f"One order is in one currency: this is in {product.currency}, not in {bought[0].currency}."
                raise Invalid.field("mixed-currencies", f"/lines/{number}/sku", detail)
        total = sum(line.quantity * line.unit_price for line in lines)
        if total > LARGEST_TOTAL:
            raise Invalid.field("total-too-large", "/lines", "This is more than one order may cost.")
        if lacking := [line.sku for line, product in zip(lines, bought, strict=True) if not product.has(line.quantity)]:
            raise Conflict("out-of-stock", f"Not so many are left of: {', '.join(lacking)}.")
        return cls(
            id=id,
            user_id=user_id,
            status=OrderStatus.PLACED,
            currency=bought[0].currency,
            total=total,
            lines=tuple(lines),
            placed_at=now,
        )

    @property
    def number(self) -> str:
        """What people call it by."""
        return order_number(self.id)

    @property
    def held(self) -> Mapping[UUID, int]:
        """What it has taken from stock, by the ids of products: to be given back once."""
        return {line.product_id: line.quantity for line in self.lines if line.is_held}

    @property
    def event(self) -> Event:
        """That it is what it is now."""
        return EVENTS[self.status](self.id, self.user_id)  # type: ignore[call-arg]

    def require_may_become(self, status: OrderStatus) -> None:
        """Raises Conflict (`order-not-placed`, `order-not-paid`): it is not in a state that allows this."""
        before = COMES_FROM[status]
        if self.status not in before:
            raise Conflict(f"order-not-{before[0].value}", f"This order is {self.status.value}.")

    def become(self, status: OrderStatus, now: datetime) -> "Order":
        """Raises Conflict as `require_may_become` does."""
        self.require_may_become(status)
        times: Any = {f"{status.value}_at": now}
        return replace(self, status=status, **times)


def checked(wanted: Sequence[Wanted]) -> Sequence[Wanted]:
    """Raises Invalid (`bad-lines`): none or too many lines, a quantity that is none, or a product on two lines."""
    if not 1 <= len(wanted) <= MOST_LINES:
        raise Invalid.field("bad-lines", "/lines", f"An order has 1 to {MOST_LINES} lines.")
    for number, ask in enumerate(wanted):
        whole(ask.quantity, pointer=f"/lines/{number}/quantity", least=1, most=LARGEST_QUANTITY)
    times = Counter(key_of(ask.sku) for ask in wanted)
    if twice := [
        FieldProblem(f"/lines/{number}/sku", "This product is on another line too: say the quantity once.")
        for number, ask in enumerate(wanted)
        if times[key_of(ask.sku)] > 1
    ]:
        raise Invalid("bad-lines", twice[0].detail, twice)
    return wanted


def _line(number: int, ask: Wanted, product: Product | None) -> OrderLine:
    if product is None or not product.is_active:
        raise Invalid.field("unknown-product", f"/lines/{number}/sku", "There is no such product for sale.")
    return OrderLine(
        product.id, product.sku, product.name, ask.quantity, product.price, is_held=product.stock is not None
    )


class OrderRepository(Protocol):
    """Orders within a unit of work. They are never removed: they are books."""

    async def add(self, order: Order) -> None:
        """Raises NotFound (`user-not-found`): the account was deleted meanwhile."""
        ...

    async def get(self, order_id: UUID) -> Order | None:
        """Locked to the end of the unit of work."""
        ...

    async def placed_by(self, user_id: UUID) -> Sequence[Order]:
        """Those of a member that are still only placed; all of the member's orders are locked."""
        ...

    async def save(self, order: Order) -> Order:
        """Its status and times, at its next version. Raises Conflict (`changed-meanwhile`)."""
        ...

"""What orders need from outside: their read side, and whoever takes the money."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.identity.views import Versioned
from application.orders.views import OrderFilters, OrderView
from application.paging import Position, Row
from domain.errors import Invalid
from domain.orders.payment import Payment, PaymentStatus

MANUAL = "manual"
"""No gateway at all: somebody with the right to do so sees the money, and says so."""


class OrderQueries(Protocol):
    """Views, never aggregates; outside of any unit of work."""

    async def order(self, order_id: UUID) -> Versioned[OrderView] | None: ...

    async def orders(
        self, filters: OrderFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[OrderView]]:
        """Newest first, ties by id downwards."""
        ...

    async def count_orders(self, filters: OrderFilters) -> int: ...

    async def payments_of(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[Payment]]:
        """For all orders of one member; newest first, ties by id downwards."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gateway says of a payment: `pending` where it will call back."""

    status: PaymentStatus
    reference: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a gateway called back to say, once its signature was found good."""

    payment_id: UUID
    outcome: Outcome
    amount: int
    currency: str


class PaymentGateway(Protocol):
    """Whoever takes the money. It is never asked within a transaction, and may be asked twice: the payment's id is the
    key by which it knows that this is the same charge, or the same refund."""

    @property
    def name(self) -> str: ...

    def check(self, instruction: str | None) -> None:
        """Raises Invalid (`bad-instruction`): the gateway knows no such thing."""
        ...

    async def charge(self, payment: Payment, instruction: str | None) -> Outcome:
        """`instruction` is what the member's request says to this gateway.

        Raises:
            Unavailable: it does not answer; whether it charged is not known.
        """
        ...

    async def refund(self, payment: Payment) -> None:
        """Raises Unavailable: it does not answer; whether it paid back is not known."""
        ...

    def read(self, body: bytes, signature: str | None) -> Notice:
        """Raises Unauthenticated (`bad-signature`), Invalid (`bad-notice`)."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentGateways:
    """Those that this installation has, by their names, besides `manual`."""

    by_name: Mapping[str, PaymentGateway]

    def named(self, name: str) -> PaymentGateway:
        """Raises Invalid (`unknown-gateway`)."""
        if name not in self.by_name:
            known = ", ".join((MANUAL, *sorted(self.by_name)))
            raise Invalid.field("unknown-gateway", "/gateway", f"This installation is paid by: {known}.")
        return self.by_name[name]

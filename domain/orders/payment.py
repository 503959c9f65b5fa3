"""Payments: attempts to have an order paid. No numbers of cards or accounts are ever held."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.errors import Conflict, Invalid

LONGEST_REFERENCE = 200
LONGEST_REASON = 500


class PaymentStatus(Enum):
    """`refund-due`: the money came and goes back, and the gateway has still to confirm that."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUND_DUE = "refund-due"
    REFUNDED = "refunded"


TAKEN = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED})
"""The money came, whatever became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """`id` is what the gateway knows it by, so that asking twice charges once; `reference` is what the gateway calls
    it. `reason` tells why it failed."""

    id: UUID
    order_id: UUID
    gateway: str
    status: PaymentStatus
    amount: int
    currency: str
    created_at: datetime
    updated_at: datetime
    reference: str | None = None
    reason: str | None = None

    def require_amount(self, amount: int, currency: str) -> None:
        """Raises Invalid (`wrong-amount`): something else was paid than was owed."""
        if (amount, currency) != (self.amount, self.currency):
            raise Invalid.field("wrong-amount", "/amount", f"This payment is of {self.amount} {self.currency}.")

    def settled(
        self, status: PaymentStatus, now: datetime, *, reference: str | None = None, reason: str | None = None
    ) -> "Payment":
        return replace(
            self, status=status, updated_at=now, reference=reference or self.reference, reason=reason or self.reason
        )


def failed(payment: Payment) -> Conflict:
    return Conflict("payment-failed", f"The payment failed: {payment.reason or 'the gateway says no more'}.")


class PaymentRepository(Protocol):
    """Payments within a unit of work. Whoever changes one has locked its order."""

    async def add(self, payment: Payment) -> None: ...

    async def get(self, payment_id: UUID) -> Payment | None: ...

    async def of_order(self, order_id: UUID) -> Sequence[Payment]:
        """The oldest first."""
        ...

    async def save(self, payment: Payment) -> None:
        """Raises Conflict (`reference-taken`): the gateway gave this reference to another payment."""
        ...

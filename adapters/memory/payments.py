"""Payments within a unit of work."""

from collections.abc import Sequence
from uuid import UUID

from adapters.memory.database import Changes
from domain.errors import Conflict
from domain.orders.payment import Payment, PaymentRepository


class MemoryPayments(PaymentRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, payment: Payment) -> None:
        self._require_free(payment)
        self._changes.payments.add(payment.id, payment)

    async def get(self, payment_id: UUID) -> Payment | None:
        return self._changes.payments.get(payment_id)

    async def of_order(self, order_id: UUID) -> Sequence[Payment]:
        found = (payment for payment in self._changes.payments.values() if payment.order_id == order_id)
        return sorted(found, key=lambda payment: (payment.created_at, payment.id))

    async def save(self, payment: Payment) -> None:
        self._require_free(payment)
        self._changes.payments.put(payment.id, payment)

    def _require_free(self, payment: Payment) -> None:
        name = payment.gateway, payment.reference
        if payment.reference is not None and any(
            (other.gateway, other.reference) == name and other.id != payment.id
            for other in self._changes.payments.values()
        ):
            raise self._changes.spoil(Conflict("reference-taken", "Another payment has this reference already."))

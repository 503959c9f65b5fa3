"""Payments within a unit of work."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update

from adapters.sql.tables import payments
from adapters.sql.work import Work
from domain.orders.payment import Payment, PaymentRepository, PaymentStatus

_INSERT = insert(payments)
_FIND = select(payments).where(payments.c.id == bindparam("payment_id"))
_OF_ORDER = (
    select(payments).where(payments.c.order_id == bindparam("order_id")).order_by(payments.c.created_at, payments.c.id)
)
_UPDATE = update(payments).where(payments.c.id == bindparam("payment_id"))


class SqlPayments(PaymentRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, payment: Payment) -> None:
        await self._work.execute(_INSERT, _columns(payment))

    async def get(self, payment_id: UUID) -> Payment | None:
        row = (await self._work.execute(_FIND, {"payment_id": payment_id})).one_or_none()
        return payment_of(row) if row else None

    async def of_order(self, order_id: UUID) -> Sequence[Payment]:
        return [payment_of(row) for row in await self._work.execute(_OF_ORDER, {"order_id": order_id})]

    async def save(self, payment: Payment) -> None:
        await self._work.execute(_UPDATE, {"payment_id": payment.id, **_columns(payment)})


def payment_of(row: Row[Any]) -> Payment:
    return Payment(
        id=row.id,
        order_id=row.order_id,
        gateway=row.gateway,
        status=PaymentStatus(row.status),
        amount=row.amount,
        currency=row.currency,
        created_at=row.created_at,
        updated_at=row.updated_at,
        reference=row.reference,
        reason=row.reason,
    )


def _columns(payment: Payment) -> dict[str, object]:
    return {
        "id": payment.id,
        "order_id": payment.order_id,
        "gateway": payment.gateway,
        "status": payment.status.value,
        "amount": payment.amount,
        "currency": payment.currency,
        "reference": payment.reference,
        "reason": payment.reason,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }

"""Payments: what they are of, and what becomes of them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.orders.payment import Payment, PaymentStatus, failed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def a_payment(*, reference: str | None = None, reason: str | None = None) -> Payment:
    return Payment(
        id=UUID(int=1),
        order_id=UUID(int=2),
        gateway="sandbox",
        status=PaymentStatus.PENDING,
        amount=2500,
        currency="EUR",
        created_at=NOW,
        updated_at=NOW,
        reference=reference,
        reason=reason,
    )


def test_what_is_owed_may_be_paid() -> None:
    a_payment().require_amount(2500, "EUR")


@pytest.mark.parametrize(("amount", "currency"), [(2499, "EUR"), (2501, "EUR"), (2500, "USD")])
def test_neither_another_amount_nor_another_currency_is_taken(amount: int, currency: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_payment().require_amount(amount, currency)
    assert refused.value.code == "wrong-amount"
    assert refused.value.problems[0].pointer == "/amount"
    assert "2500 EUR" in refused.value.detail


def test_it_is_settled_with_what_the_gateway_calls_it() -> None:
    before = a_payment()
    after = before.settled(PaymentStatus.SUCCEEDED, LATER, reference="ch_1")
    assert (after.status, after.updated_at, after.created_at) == (PaymentStatus.SUCCEEDED, LATER, NOW)
    assert (after.reference, after.reason) == ("ch_1", None)
    assert (after.id, after.order_id, after.amount, after.currency) == (before.id, before.order_id, 2500, "EUR")


def test_it_is_settled_with_the_reason_why_it_failed() -> None:
    after = a_payment().settled(PaymentStatus.FAILED, LATER, reason="card-expired")
    assert (after.status, after.reference, after.reason) == (PaymentStatus.FAILED, None, "card-expired")


def test_what_is_known_of_it_stays_where_nothing_else_is_said() -> None:
    before = a_payment(reference="ch_1", reason="slow")
    after = before.settled(PaymentStatus.REFUNDED, LATER)
    assert (after.reference, after.reason) == ("ch_1", "slow")
    after = before.settled(PaymentStatus.REFUNDED, LATER, reference="ch_2", reason="quick")
    assert (after.reference, after.reason) == ("ch_2", "quick")


def test_who_pays_is_told_why_it_failed() -> None:
    conflict = failed(a_payment(reason="card-expired"))
    assert conflict.code == "payment-failed"
    assert "card-expired" in conflict.detail


def test_or_that_the_gateway_gives_no_reason() -> None:
    conflict = failed(a_payment())
    assert conflict.code == "payment-failed"
    assert conflict.detail == "The payment failed: the gateway says no more."

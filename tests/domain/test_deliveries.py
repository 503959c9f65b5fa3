"""Deliveries: how one comes from an event, who sends it, and how it ends."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.access.actor import NOWHERE
from domain.errors import Conflict
from domain.events import Emitted
from domain.jobs.job import LONGEST_ERROR, SEND_WEBHOOK, Status
from domain.orders.events import OrderPaid
from domain.webhooks.delivery import Answer, Delivery, DeliveryStatus
from tests.contracts.builders import NOW, SECOND, a_webhook_delivery

LATER = NOW + timedelta(days=1)
ORDER, MEMBER = UUID(int=5), UUID(int=6)
PAID = Emitted.of(OrderPaid(ORDER, MEMBER), id=UUID(int=1), at=NOW, actor="cli:test", origin=NOWHERE)


def test_it_is_made_of_an_event_and_due_at_once() -> None:
    made = Delivery.of(PAID, ORDER, id=UUID(int=2), webhook_id=UUID(int=3))
    assert json.loads(made.body)["type"] == "order.paid"
    assert made == Delivery(
        id=UUID(int=2),
        webhook_id=UUID(int=3),
        message_id=UUID(int=1),
        event="order.paid",
        subject=ORDER,
        body=made.body,
        created_at=NOW,
        pending_since=NOW,
        next_attempt_at=NOW,
    )
    assert made.is_pending


def test_its_job_names_it_and_its_webhook_and_is_due_at_once() -> None:
    delivery = a_webhook_delivery(UUID(int=3), id=UUID(int=2))
    job = delivery.job(UUID(int=9), LATER)
    assert (job.id, job.kind, job.created_at, job.due_at) == (UUID(int=9), SEND_WEBHOOK, LATER, LATER)
    assert job.args == {"webhook_id": str(UUID(int=3)), "delivery_id": str(UUID(int=2))}
    assert job.unique_key == delivery.job_key == f"send-webhook/{delivery.id.hex}"
    assert job.status is Status.QUEUED


def test_one_that_is_given_up_says_why() -> None:
    delivery = replace(a_webhook_delivery(uuid4()), attempts=3, last_status=500)
    over = delivery.given_up(LATER, "It is gone.")
    assert (over.status, over.error, over.settled_at) == (DeliveryStatus.FAILED, "It is gone.", LATER)
    assert over.next_attempt_at is None
    assert (over.attempts, over.last_status, over.created_at) == (3, 500, NOW)


def test_one_that_is_pending_is_not_repeated() -> None:
    with pytest.raises(Conflict) as refused:
        a_webhook_delivery(uuid4()).repeated(LATER)
    assert refused.value.code == "delivery-pending"
    assert refused.value.detail.startswith("This delivery is not over yet")


@pytest.mark.parametrize("status", [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED])
def test_one_that_is_over_is_repeated_as_if_it_was_new(status: DeliveryStatus) -> None:
    over = a_webhook_delivery(
        uuid4(), status=status, attempts=5, next_attempt_at=None, settled_at=LATER, last_status=500, error="Oh."
    )
    late = LATER + SECOND
    again = over.repeated(late)
    assert again == replace(
        over, status=DeliveryStatus.PENDING, attempts=0, pending_since=late, next_attempt_at=late, settled_at=None
    )


@pytest.mark.parametrize(
    ("status", "is_success"), [(None, False), (199, False), (200, True), (299, True), (300, False)]
)
def test_a_success_is_200_to_299(status: int | None, is_success: bool) -> None:
    assert Answer(status).is_success is is_success


@pytest.mark.parametrize(("status", "is_gone"), [(None, False), (409, False), (410, True), (411, False)])
def test_gone_is_410(status: int | None, is_gone: bool) -> None:
    assert Answer(status).is_gone is is_gone


@pytest.mark.parametrize(
    ("status", "is_trouble"), [(None, True), (428, False), (429, True), (430, False), (499, False), (500, True)]
)
def test_a_receiver_is_in_trouble_where_other_messages_fared_no_better(status: int | None, is_trouble: bool) -> None:
    assert Answer(status).is_receivers_trouble is is_trouble


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("No connection.", "No connection."),
        ("a\0b\ud800c", "a b?c"),
        ("x" * LONGEST_ERROR, "x" * LONGEST_ERROR),
        ("x" * LONGEST_ERROR + "y", "x" * LONGEST_ERROR),
    ],
)
def test_what_stood_in_the_way_is_kept_so_that_every_store_can_hold_it(error: str, kept: str) -> None:
    assert a_webhook_delivery(uuid4()).attempted(Answer(error=error), NOW, 0).error == kept


def test_a_failure_is_kept_with_all_that_is_known_of_it() -> None:
    before = a_webhook_delivery(uuid4(), attempts=2)
    after = before.attempted(Answer(503, took=1.5 * SECOND), LATER, 0.0)
    assert after == replace(
        before,
        attempts=3,
        last_status=503,
        error="The receiver answered 503.",
        took_ms=1500,
        next_attempt_at=LATER + 20 * SECOND,
    )


def test_chance_takes_away_up_to_a_half_of_the_wait() -> None:
    after = a_webhook_delivery(uuid4()).attempted(Answer(503), NOW, 1.0)
    assert after.next_attempt_at == NOW + 2.5 * SECOND


def test_it_is_old_after_three_days_to_the_second() -> None:
    delivery = a_webhook_delivery(uuid4())
    assert not delivery.is_old(NOW + timedelta(days=3) - SECOND)
    assert delivery.is_old(NOW + timedelta(days=3))

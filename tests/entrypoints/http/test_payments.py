"""Payments over HTTP: by hand, and through a gateway that fails, answers late, or twice."""

import json
from typing import Any

import pytest

from adapters.payments import SandboxGateway
from adapters.payments.sandbox import notice_of
from application.orders.ports import Outcome
from domain.errors import Unavailable
from domain.orders.payment import Payment, PaymentStatus
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.shop import Shop, at_once

SUCCEEDED, FAILED = PaymentStatus.SUCCEEDED, PaymentStatus.FAILED


async def started(api: Api) -> tuple[Shop, Tokens, dict[str, Any]]:
    """A shop, a member, and their order of 2 of 5 mugs."""
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    _, ada = await api.member()
    return shop, ada, await shop.placed(ada, mug=2)


async def statuses(shop: Shop, order: dict[str, Any]) -> list[str]:
    return [payment.status.value for payment in await shop.payments(order)]


async def test_by_hand_an_order_waits_until_somebody_saw_the_money(api: Api) -> None:
    shop, ada, order = await started(api)
    for _ in range(2):
        asked = await shop.do("pay", order, ada)
        assert (asked.status_code, asked.json()["status"]) == (202, "placed")
    assert await statuses(shop, order) == ["pending"]
    _, cashier = await api.staff("cashier", "orders:mark-paid")
    paid = await shop.do("pay", order, cashier)
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert await statuses(shop, order) == ["succeeded"]
    assert (await shop.do("pay", order, cashier)).json()["code"] == "order-not-placed"
    await shop.do("refund", order)
    assert await statuses(shop, order) == ["refunded"]


async def test_through_the_sandbox_an_order_is_paid_at_once(api: Api) -> None:
    shop, ada, order = await started(api)
    paid = await shop.pay(order, ada)
    assert (paid.status_code, paid.json()["status"], paid.json()["total"]) == (200, "paid", 2500)
    [payment] = await shop.payments(order)
    assert (payment.amount, payment.currency, payment.gateway) == (2500, "EUR", "sandbox")
    assert payment.reference
    assert (await shop.pay(order, ada)).json()["code"] == "order-not-placed"
    assert (await shop.do("refund", order)).status_code == 200
    await api.mails()
    assert await statuses(shop, order) == ["refunded"]


async def test_a_payment_that_failed_says_why_and_may_be_tried_again(api: Api) -> None:
    shop, ada, order = await started(api)
    failed = await shop.pay(order, ada, "fail", headers={"Idempotency-Key": "p"})
    assert (failed.status_code, failed.json()["code"]) == (409, "payment-failed")
    assert "told to fail" in failed.json()["detail"]
    assert (await shop.status(order), await statuses(shop, order)) == ("placed", ["failed"])
    assert (await shop.pay(order, ada, "succeed")).status_code == 200
    assert await statuses(shop, order) == ["failed", "succeeded"]


@pytest.mark.parametrize("outcome", ["late", "twice"])
async def test_a_gateway_may_answer_late_and_more_than_once(api: Api, outcome: str) -> None:
    shop, ada, order = await started(api)
    asked = await shop.pay(order, ada, outcome)
    assert (asked.status_code, asked.json()["status"]) == (202, "placed")
    await api.mails()
    assert (await shop.status(order), await statuses(shop, order)) == ("paid", ["succeeded"])
    trail = [e for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert [e["action"] for e in trail] == ["order.paid", "payment.started", "order.placed"]
    assert trail[0]["actor"] == "gateway:sandbox"


async def test_money_for_an_order_that_was_cancelled_goes_back_and_no_stock_is_taken(api: Api) -> None:
    shop, ada, order = await started(api)
    await shop.pay(order, ada, "late")
    assert (await shop.do("cancel", order, ada)).status_code == 200
    await api.mails()
    assert (await shop.status(order), await statuses(shop, order)) == ("cancelled", ["refunded"])
    assert await shop.stock() == 5
    actions = [e["action"] for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert actions[:3] == ["payment.refunded", "payment.unclaimed", "order.cancelled"]


async def test_an_order_that_was_paid_by_hand_meanwhile_is_not_paid_twice(api: Api) -> None:
    shop, ada, order = await started(api)
    await shop.pay(order, ada, "late")
    await shop.do("pay", order)
    await api.mails()
    assert (await shop.status(order), await statuses(shop, order)) == ("paid", ["refunded", "succeeded"])


async def test_however_often_it_is_asked_at_once_an_order_is_charged_once(api: Api) -> None:
    shop, ada, order = await started(api)
    answers = await at_once(*(shop.pay(order, ada, headers={"Idempotency-Key": f"k{n % 2}"}) for n in range(6)))
    assert 200 in {answer.status_code for answer in answers}
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await shop.status(order), await statuses(shop, order)) == ("paid", ["succeeded"])
    actions = [e["action"] for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert actions.count("order.paid") == 1


async def test_a_repeated_payment_gets_the_same_answer(api: Api) -> None:
    shop, ada, order = await started(api)
    answers = [await shop.pay(order, ada, headers={"Idempotency-Key": "p"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"gateway": "paypal"}, "/gateway"),
        ({"gateway": "\u0000"}, "/gateway"),
        ({"gateway": "sandbox", "outcome": "explode"}, "/outcome"),
        ({"gateway": "manual", "outcome": "succeed"}, "/outcome"),
        ({"gateway": "sandbox", "amount": 1}, "/amount"),
        ({"gateway": "sandbox", "card": "4242"}, "/card"),
    ],
)
async def test_a_wrong_way_to_pay_is_named(api: Api, body: dict[str, Any], pointer: str) -> None:
    shop, ada, order = await started(api)
    refused = await shop.do("pay", order, ada, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert await shop.payments(order) == []


async def late_notice(shop: Shop, ada: Tokens, order: dict[str, Any], **changes: Any) -> bytes:
    """What the gateway will say of a payment that was begun, but for some changes."""
    await shop.pay(order, ada, "late")
    payment = (await shop.payments(order))[-1]
    status = changes.pop("status", SUCCEEDED)
    return json.dumps({**json.loads(notice_of(payment, status, "r-1")), **changes}).encode()


async def test_a_notice_is_taken_once_however_often_it_comes(api: Api) -> None:
    shop, ada, order = await started(api)
    notice = await late_notice(shop, ada, order)
    answers = await at_once(*(shop.call_back(notice) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {204}
    assert await shop.status(order) == "paid"
    late_failure = await shop.call_back(json.dumps({**json.loads(notice), "status": "failed"}).encode())
    assert late_failure.status_code == 204
    assert (await shop.status(order), await statuses(shop, order)) == ("paid", ["succeeded"])
    actions = [e["action"] for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert actions == ["order.paid", "payment.started", "order.placed"]


async def test_a_notice_of_failure_leaves_the_order_placed(api: Api) -> None:
    shop, ada, order = await started(api)
    notice = await late_notice(shop, ada, order, status=FAILED, reason="No money left.")
    assert (await shop.call_back(notice)).status_code == 204
    [payment] = await shop.payments(order)
    assert (payment.status, payment.reason, await shop.status(order)) == (FAILED, "No money left.", "placed")


async def test_a_notice_that_is_not_signed_by_us_is_refused(api: Api) -> None:
    shop, ada, order = await started(api)
    notice = await late_notice(shop, ada, order)
    good = shop.sandbox.sign(notice)
    for signature in ("", "sha256=", good[:-1], good.upper(), shop.sandbox.sign(notice + b" "), good + ", " + good):
        refused = await shop.call_back(notice, signature)
        assert (refused.status_code, refused.json()["code"]) == (401, "bad-signature"), signature
    strange = {"Moothall-Signature": b"sha256=\xe4"}
    refused = await api.call("POST", "/payments/sandbox/callback", content=notice, headers=strange)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad-signature")
    assert await shop.status(order) == "placed"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 1}, 422, "wrong-amount"),
        ({"currency": "USD"}, 422, "wrong-amount"),
        ({"amount": 2500.0}, 422, "bad-notice"),
        ({"amount": True}, 422, "bad-notice"),
        ({"amount": 10**400}, 422, "wrong-amount"),
        ({"payment_id": "nobody"}, 422, "bad-notice"),
        ({"payment_id": 7}, 422, "bad-notice"),
        ({"payment_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, 404, "payment-not-found"),
        ({"status": "pending"}, 422, "bad-notice"),
        ({"status": "nothing"}, 422, "bad-notice"),
        ({"reference": ""}, 422, "bad-notice"),
        ({"reference": "a\u0000"}, 422, "bad-notice"),
        ({"reference": "\ud800"}, 422, "bad-notice"),
        ({"reference": None}, 422, "bad-notice"),
        ({"reason": 5}, 422, "bad-notice"),
    ],
)
async def test_a_notice_that_says_something_else_is_refused(
    api: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    shop, ada, order = await started(api)
    told = json.loads(await late_notice(shop, ada, order))
    refused = await shop.call_back(json.dumps({**told, **changes}).encode())
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await shop.status(order) == "placed"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"payment_id": NaN}'])
async def test_what_is_no_notice_at_all_is_refused(api: Api, body: bytes) -> None:
    shop = await Shop.opened(api)
    refused = await shop.call_back(body)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-notice")


async def test_only_gateways_that_there_are_call_back(api: Api) -> None:
    shop = await Shop.opened(api)
    for name in ("manual", "nowhere", "%00"):
        answer = await shop.call_back(b"{}", gateway=name)
        assert (answer.status_code, answer.json()["code"]) == (404, "gateway-not-found")


class OftenAway(SandboxGateway):
    """Answers every other time; it had charged all the same."""

    def __init__(self, sandbox: SandboxGateway) -> None:
        self.__dict__.update(vars(sandbox))
        self.asked: list[tuple[str, Payment]] = []

    async def charge(self, payment: Payment, instruction: str | None) -> Outcome:
        outcome = await super().charge(payment, instruction)
        self._answer_or_not("charge", payment)
        return outcome

    async def refund(self, payment: Payment) -> None:
        self._answer_or_not("refund", payment)

    def _answer_or_not(self, verb: str, payment: Payment) -> None:
        self.asked.append((verb, payment))
        if len(self.asked) % 2:
            raise Unavailable("gateway-unavailable", "The gateway does not answer.")


def often_away(shop: Shop) -> OftenAway:
    gateways = shop.api.application.orders.pay_order.gateways.by_name
    assert isinstance(gateways, dict)
    gateways["sandbox"] = away = OftenAway(shop.sandbox)
    return away


async def test_where_the_answer_was_lost_the_same_payment_is_gone_on_with(api: Api) -> None:
    shop, ada, order = await started(api)
    gateway = often_away(shop)
    lost = await shop.pay(order, ada, headers={"Idempotency-Key": "p"})
    assert (lost.status_code, await shop.status(order)) == (503, "placed")
    paid = await shop.pay(order, ada, headers={"Idempotency-Key": "p"})
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert len({payment.id for _, payment in gateway.asked}) == 1
    assert await statuses(shop, order) == ["succeeded"]


async def test_money_goes_back_once_the_gateway_is_there_again_and_nobody_has_to_ask_for_it(api: Api) -> None:
    shop, ada, order = await started(api)
    assert (await shop.pay(order, ada)).status_code == 200
    gateway = often_away(shop)
    refunds = [await shop.do("refund", order, headers={"Idempotency-Key": "r"}) for _ in range(2)]
    assert [(refund.status_code, refund.json()["status"]) for refund in refunds] == [(200, "refunded")] * 2
    assert (await shop.do("refund", order)).json()["code"] == "order-not-paid"
    await api.mails()
    assert (await statuses(shop, order), await shop.stock()) == (["refund-due"], 5)
    api.clock.advance(seconds=2)
    await api.mails()
    assert (await statuses(shop, order), await shop.stock()) == (["refunded"], 5)
    assert [verb for verb, _ in gateway.asked] == ["refund", "refund"]
    assert len({payment.id for _, payment in gateway.asked}) == 1
    actions = [e["action"] for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert actions[:2] == ["payment.refunded", "order.refunded"]


async def test_money_that_came_twice_goes_back_and_the_order_stays_paid(api: Api) -> None:
    shop, ada, order = await started(api)
    notice = await late_notice(shop, ada, order)
    await shop.do("pay", order)
    often_away(shop)
    assert (await shop.call_back(notice)).status_code == 204
    for _ in range(2):
        api.clock.advance(seconds=2)
        await api.mails()
    assert (await shop.status(order), await statuses(shop, order)) == ("paid", ["refunded", "succeeded"])

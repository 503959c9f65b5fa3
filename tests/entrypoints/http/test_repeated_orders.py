"""The same request with the same key, sent again before its first answer: it has one effect, and is never told a
refusal because of its own effect."""

import pytest

from tests.entrypoints.http.client import Api
from tests.entrypoints.http.shop import Shop, at_once

AT_ONCE = 4


async def test_who_asks_again_while_the_last_one_is_being_sold_to_them_is_not_told_that_it_is_gone(api: Api) -> None:
    shop = await Shop.opened(api)
    _, ada = await api.member()
    for number in range(5):
        sku = f"last-{number}"
        await shop.product(sku, stock=1)
        answers = await at_once(*(shop.place(ada, key=sku, **{sku: 1}) for _ in range(AT_ONCE)))
        refusals = {answer.json()["code"] for answer in answers if answer.status_code != 201}
        assert refusals <= {"request-running"}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert await shop.stock(sku) == 0


@pytest.mark.parametrize("verb", ["pay", "cancel", "fulfil", "refund"])
async def test_who_asks_again_while_it_is_being_done_is_not_told_that_it_was_done(api: Api, verb: str) -> None:
    shop = await Shop.opened(api)
    _, ada = await api.member()
    await shop.product("mug", stock=10)
    for number in range(5):
        order = await shop.placed(ada, mug=1)
        if verb in ("fulfil", "refund"):
            assert (await shop.do("pay", order)).status_code == 200
        key = {"Idempotency-Key": f"{verb}-{number}"}
        answers = await at_once(*(shop.do(verb, order, headers=key) for _ in range(AT_ONCE)))
        refusals = {answer.json()["code"] for answer in answers if not answer.is_success}
        assert refusals <= {"request-running"}
        assert any(answer.is_success for answer in answers)

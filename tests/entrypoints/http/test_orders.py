"""Orders over HTTP: placed at the server's prices, never oversold, safe to repeat, and private."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.money import LARGEST_TOTAL
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.shop import Shop, at_once

FIELDS = {
    "id",
    "number",
    "user_id",
    "status",
    "currency",
    "total",
    "lines",
    "placed_at",
    "paid_at",
    "fulfilled_at",
    "cancelled_at",
    "refunded_at",
}


async def test_an_order_is_placed_at_the_prices_of_the_moment_and_confirmed(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", price=1250)
    await shop.product("tea", price=499, stock=None, name="Tea of the house")
    user, ada = await api.member()
    await api.mails()
    answer = await shop.place(ada, MUG=2, tea=3)
    order = answer.json()
    assert (answer.status_code, set(order)) == (201, FIELDS)
    assert answer.headers["location"] == f"/api/v1/orders/{order['id']}"
    assert (order["status"], order["currency"], order["total"]) == ("placed", "EUR", 2 * 1250 + 3 * 499)
    assert order["user_id"] == user["id"]
    assert order["lines"] == [
        {"sku": "mug", "name": "A mug", "quantity": 2, "unit_price": 1250},
        {"sku": "tea", "name": "Tea of the house", "quantity": 3, "unit_price": 499},
    ]
    assert order["placed_at"]
    assert not any(order[f"{verb}_at"] for verb in ("paid", "fulfilled", "cancelled"))
    assert (await shop.stock("mug"), await shop.stock("tea")) == (8, None)
    await api.call("PATCH", "/products/mug", as_=shop.keeper, json={"price": 9999, "name": "Other"})
    await api.call("DELETE", "/products/tea", as_=shop.keeper)
    shown = await api.call("GET", f"/orders/{order['id']}", as_=ada)
    assert (shown.json(), shown.headers["etag"]) == (order, '"1"')
    [mail] = await api.mails()
    assert mail.to == "ada@example.com"
    assert order["number"] in mail.text.subject
    assert "Tea of the house" in mail.text.plain


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([], "/lines"),
        ([{"sku": "mug", "quantity": 1}] * 101, "/lines"),
        ([{"sku": "mug", "quantity": 0}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": -1}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": 1_000_001}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": 2**63}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": 10**400}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": 1.5}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": "1"}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": True}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": None}], "/lines/0/quantity"),
        ([{"sku": "mug", "quantity": 1}, {"sku": "none", "quantity": 1}], "/lines/1/sku"),
        ([{"sku": "old", "quantity": 1}], "/lines/0/sku"),
        ([{"sku": "\u0000", "quantity": 1}], "/lines/0/sku"),
        ([{"sku": "mug", "quantity": 1}, {"sku": "dollar", "quantity": 1}], "/lines/1/sku"),
        ([{"sku": "dear", "quantity": 1_000_000}], "/lines"),
        ([{"sku": "mug", "quantity": 1, "unit_price": 1}], "/lines/0/unit_price"),
        ([{"sku": "mug", "quantity": 1, "price": 0}], "/lines/0/price"),
    ],
)
async def test_a_wrong_line_is_named_and_nothing_is_taken(api: Api, lines: list[Any], pointer: str) -> None:
    """S18: no price comes from outside. S20: quantities are whole numbers in bounds."""
    shop = await Shop.opened(api)
    await shop.product("mug")
    await shop.product("old", is_active=False)
    await shop.product("dollar", currency="USD")
    await shop.product("dear", price=10**12, stock=None)
    _, ada = await api.member()
    refused = await api.call("POST", "/orders", as_=ada, json={"lines": lines})
    assert refused.status_code == 422, refused.text
    assert pointer in {error["pointer"] for error in refused.json()["errors"]}
    assert await shop.stock("mug") == 10
    assert (await api.call("GET", "/orders", as_=ada)).json()["items"] == []


@pytest.mark.parametrize("field", ["total", "currency", "status", "user_id", "paid_at"])
async def test_nothing_but_the_lines_is_the_members_to_say(api: Api, field: str) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    _, ada = await api.member()
    body = {"lines": [{"sku": "mug", "quantity": 1}], field: "paid"}
    refused = await api.call("POST", "/orders", as_=ada, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_a_quantity_that_is_no_number_is_refused(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    _, ada = await api.member()
    for number in ("NaN", "Infinity", "-Infinity", "1e3"):
        body = f'{{"lines": [{{"sku": "mug", "quantity": {number}}}]}}'.encode()
        refused = await api.call("POST", "/orders", as_=ada, content=body, headers={"Content-Type": "application/json"})
        assert refused.status_code == 422, refused.text


async def test_a_product_is_on_one_line(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    _, ada = await api.member()
    refused = await shop.place(ada, mug=1, MUG=2)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-lines")
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/lines/0/sku", "/lines/1/sku"}


async def test_the_largest_total_is_exact(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("big", price=LARGEST_TOTAL // 10_001, stock=None)
    _, ada = await api.member()
    order = await shop.placed(ada, big=10_001)
    assert order["total"] == LARGEST_TOTAL // 10_001 * 10_001
    assert (await shop.place(ada, big=10_002)).json()["code"] == "total-too-large"


async def test_what_is_not_left_is_named_and_nothing_else_is_taken(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    await shop.product("cup", stock=1)
    _, ada = await api.member()
    refused = await shop.place(ada, mug=5, cup=2)
    assert (refused.status_code, refused.json()["code"]) == (409, "out-of-stock")
    assert "cup" in refused.json()["detail"]
    assert "mug" not in refused.json()["detail"]
    assert (await shop.stock("mug"), await shop.stock("cup")) == (5, 1)
    assert (await shop.place(ada, mug=5, cup=1)).status_code == 201


async def test_of_a_hundred_buyers_ten_get_the_last_ten(api: Api) -> None:
    """Each asks twice at once with the same key, and once more until there is an answer."""
    shop = await Shop.opened(api)
    await shop.product("mug", stock=10)
    _, ada = await api.member()

    async def buy(number: int) -> int:
        key = f"buyer-{number}"
        await at_once(shop.place(ada, key, mug=1), shop.place(ada, key, mug=1))
        while True:
            answer = await shop.place(ada, key, mug=1)
            if answer.status_code != 503 and answer.json().get("code") != "request-running":
                return answer.status_code
            await asyncio.sleep(0.05)

    statuses: list[int] = []
    for batch in range(0, 100, 20):
        statuses += await asyncio.gather(*map(buy, range(batch, batch + 20)))
    assert sorted(statuses) == [201] * 10 + [409] * 90
    assert await shop.stock() == 0
    listed = (await api.call("GET", "/orders", as_=ada, params={"page_size": 100})).json()
    assert (listed["total"], len(listed["items"])) == (10, 10)


async def test_a_repeated_request_places_one_order(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    _, ada = await api.member()
    answers = [await shop.place(ada, "k1", mug=1) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert await shop.stock() == 9
    another = await shop.place(ada, "k1", mug=2)
    assert (another.status_code, another.json()["code"]) == (422, "idempotency-key-reused")


async def test_the_same_request_at_once_is_not_refused_for_what_it_did_itself(api: Api) -> None:
    """All of the stock is taken by the first one, and the order at another version."""
    shop = await Shop.opened(api)
    await shop.product("mug", stock=2)
    _user, ada = await api.member()
    placed = await at_once(*(shop.place(ada, "cart", mug=2) for _ in range(4)))
    assert [answer.status_code for answer in placed] == [201] * 4
    assert len({answer.content for answer in placed}) == 1
    order = placed[0].json()
    for verb in ("pay", "fulfil", "refund"):
        seen = (await api.call("GET", f"/orders/{order['id']}", as_=ada)).headers["ETag"]
        headers = {"Idempotency-Key": verb, "If-Match": seen}
        answers = await at_once(*(shop.do(verb, order, headers=headers) for _ in range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4, verb
        assert len({answer.content for answer in answers}) == 1
    assert await shop.stock() == 2


async def test_lists_show_ones_own_and_staff_sees_all(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    user, ada = await api.member("ada")
    _, bob = await api.member("bob")
    _, staff = await api.staff("clerk", "orders:read")
    first, second = await shop.placed(ada, mug=1), await shop.placed(bob, mug=1)
    third = await shop.placed(ada, mug=1)
    await shop.do("pay", first)

    async def ids(who: Any, **params: Any) -> list[str]:
        answer = await api.call("GET", "/orders", as_=who, params=params)
        assert answer.status_code == 200, answer.text
        return [order["id"] for order in answer.json()["items"]]

    assert await ids(ada) == [third["id"], first["id"]]
    assert await ids(ada, user_id=user["id"], status="paid") == [first["id"]]
    assert await ids(staff) == [third["id"], second["id"], first["id"]]
    assert await ids(staff, user_id=user["id"]) == [third["id"], first["id"]]
    assert await ids(staff, status="placed") == [third["id"], second["id"]]
    denied = await api.call("GET", "/orders", as_=bob, params={"user_id": user["id"]})
    assert denied.status_code == 403
    assert (await api.call("GET", "/orders", as_=ada, params={"status": "lost"})).status_code == 422


async def test_another_members_order_does_not_exist(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    order = await shop.placed(ada, mug=1)
    for method, verb in (("GET", ""), ("POST", "/pay"), ("POST", "/cancel")):
        hidden = await api.call(method, f"/orders/{order['id']}{verb}", as_=bob)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "order-not-found")
    for verb in ("fulfil", "refund"):
        assert (await shop.do(verb, order, bob)).status_code == 403
    assert await shop.status(order) == "placed"


async def test_from_placed_to_refunded_each_step_once(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    _, ada = await api.member()
    order = await shop.placed(ada, mug=2)
    early = await shop.do("fulfil", order)
    assert (early.status_code, early.json()["code"]) == (409, "order-not-paid")
    assert (await shop.do("refund", order)).json()["code"] == "order-not-paid"
    for verb, status in (("pay", "paid"), ("fulfil", "fulfilled"), ("refund", "refunded")):
        stale = await shop.do(verb, order, headers={"If-Match": '"99"'})
        assert stale.status_code == 412
        done = await shop.do(verb, order)
        assert (done.status_code, done.json()["status"]) == (200, status), done.text
        assert done.json()[f"{status}_at"]
        assert (await shop.do(verb, order)).status_code == 409
        assert (await shop.do("cancel", order)).json()["code"] == "order-not-placed"
    assert await shop.stock() == 5
    actions = [e["action"] for e in await api.trail(shop.keeper) if e["item"] == order["id"]]
    assert actions == ["order.refunded", "order.fulfilled", "order.paid", "order.placed"]


async def test_a_cancelled_order_gives_its_stock_back_once(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    _, ada = await api.member()
    order = await shop.placed(ada, mug=4)
    answers = await at_once(*(shop.do("cancel", order, ada) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await shop.stock() == 5
    again = await shop.placed(ada, mug=4)
    same = [await shop.do("cancel", again, ada, headers={"Idempotency-Key": "c"}) for _ in range(2)]
    assert [answer.status_code for answer in same] == [200, 200]
    assert same[0].content == same[1].content
    assert await shop.stock() == 5


async def test_stock_that_was_not_counted_is_not_given_back(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=None)
    _, ada = await api.member()
    order = await shop.placed(ada, mug=4)
    await api.call("PATCH", "/products/mug", as_=shop.keeper, json={"stock": 1})
    assert (await shop.do("cancel", order, ada)).status_code == 200
    assert await shop.stock() == 1


async def test_when_an_account_goes_its_orders_stay_without_a_name(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    _user, ada = await api.member()
    open_one, paid = await shop.placed(ada, mug=2), await shop.placed(ada, mug=1)
    await shop.do("pay", paid)
    await api.mails()
    assert (await api.call("DELETE", "/users/me", as_=ada)).status_code == 204
    for order, status in ((open_one, "cancelled"), (paid, "paid")):
        kept = (await api.call("GET", f"/orders/{order['id']}", as_=shop.keeper)).json()
        assert (kept["status"], kept["user_id"], kept["total"]) == (status, None, order["total"])
    assert await shop.stock() == 4
    assert (await shop.do("refund", paid)).status_code == 200
    assert await shop.stock() == 5
    assert await api.mails() == []


async def test_who_goes_gives_stock_back_without_waiting_in_a_circle(api: Api) -> None:
    """Whoever orders both products has the first one locked, and waits for the second one."""
    shop = await Shop.opened(api)
    for sku in ("first", "second"):
        await shop.product(sku, stock=5)
    _user, ada = await api.member()
    for sku in ("second", "first"):
        await shop.placed(ada, **{sku: 1})
    async with api.application.orders.place_order.transactions.begin() as uow:
        await uow.products.all_of(["first"], locked=True)
        going = asyncio.create_task(api.call("DELETE", "/users/me", as_=ada))
        await asyncio.sleep(0.3)
        await uow.products.all_of(["second"], locked=True)
    assert (await going).status_code == 204
    assert (await shop.stock("first"), await shop.stock("second")) == (5, 5)


async def test_who_goes_while_the_confirmation_is_written_does_not_wait_in_a_circle(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    user, ada = await api.member()
    await api.mails()
    await shop.placed(ada, mug=1)
    async with api.application.orders.place_order.transactions.begin() as uow:
        assert await uow.users.get(UUID(user["id"])) is not None
        writing = asyncio.create_task(api.mails())
        await asyncio.sleep(0.3)
        assert len(await uow.orders.placed_by(UUID(user["id"]))) == 1
    assert len(await writing) == 1


async def test_who_is_deleted_by_an_administrator_holds_no_stock_any_more(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=5)
    user, ada = await api.member()
    order = await shop.placed(ada, mug=5)
    assert (await api.call("DELETE", f"/users/{user['id']}", as_=shop.keeper)).status_code == 204
    assert (await shop.status(order), await shop.stock()) == ("cancelled", 5)

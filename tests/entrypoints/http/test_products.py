"""The catalogue over HTTP."""

from typing import Any

import pytest

from tests.entrypoints.http.client import Api
from tests.entrypoints.http.shop import Shop

FIELDS = {
    "id",
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "stock",
    "is_active",
    "created_at",
    "updated_at",
}
GOOD = {"sku": "mug", "name": "Mug", "price": 1250, "currency": "EUR"}


async def test_a_product_is_added_shown_changed_and_deleted(api: Api) -> None:
    shop = await Shop.opened(api)
    made = await api.call("POST", "/products", as_=shop.keeper, json={**GOOD, "sku": "Mug-1", "stock": 3})
    assert made.status_code == 201
    assert set(made.json()) == FIELDS
    assert (made.headers["location"], made.headers["etag"]) == ("/api/v1/products/Mug-1", '"1"')
    shown = await api.call("GET", "/products/mug-1")
    assert (shown.json(), shown.headers["etag"]) == (made.json(), '"1"')
    changes = {"price": 0, "stock": None, "description": "New\nline", "is_active": False}
    changed = await api.call("PATCH", "/products/mug-1", as_=shop.keeper, json=changes, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in changes} == changes
    stale = await api.call("PATCH", "/products/mug-1", as_=shop.keeper, json={"price": 1}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    assert (await api.call("DELETE", "/products/mug-1", as_=shop.keeper)).status_code == 204
    gone = await api.call("GET", "/products/mug-1", as_=shop.keeper)
    assert (gone.status_code, gone.json()["code"]) == (404, "product-not-found")
    [deleted, updated, created] = [e for e in await api.trail(shop.keeper) if e["action"].startswith("product.")]
    assert [deleted["subject"], updated["subject"], created["subject"]] == ["Mug-1"] * 3
    assert set(updated["fields"]) == {"price", "stock", "description", "-is_active"}


async def test_strangers_see_what_is_for_sale_and_staff_sees_everything(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    await shop.product("old", is_active=False)
    _, member = await api.member()
    _, staff = await api.staff("clerk", "products:read")
    for who, sees in ((None, ["mug"]), (member, ["mug"]), (staff, ["old", "mug"])):
        listed = (await api.call("GET", "/products", as_=who)).json()
        assert ([p["sku"] for p in listed["items"]], listed["total"]) == (sees, len(sees))
        inactive = (await api.call("GET", "/products", as_=who, params={"is_active": "false"})).json()
        assert [p["sku"] for p in inactive["items"]] == [sku for sku in sees if sku == "old"]
        status = (await api.call("GET", "/products/old", as_=who)).status_code
        assert status == (200 if "old" in sees else 404)


async def test_products_are_searched_filtered_sorted_and_paged(api: Api) -> None:
    shop = await Shop.opened(api)
    for sku, name, currency in (("a1", "Zebra mug", "EUR"), ("b2", "äpfel", "USD"), ("c3", "Mugs of tea", "EUR")):
        await shop.product(sku, name=name, currency=currency)

    async def skus(**params: Any) -> list[str]:
        answer = await api.call("GET", "/products", params=params)
        assert answer.status_code == 200, answer.text
        return [product["sku"] for product in answer.json()["items"]]

    assert await skus() == ["c3", "b2", "a1"]
    assert await skus(sort="sku") == ["a1", "b2", "c3"]
    assert await skus(sort="name") == ["c3", "a1", "b2"]
    assert await skus(q="mug") == ["c3", "a1"]
    assert await skus(q="ÄPF") == ["b2"]
    assert await skus(currency="EUR", q="tea") == ["c3"]
    first = (await api.call("GET", "/products", params={"page_size": 2, "cursor": ""})).json()
    rest = (await api.call("GET", "/products", params={"page_size": 2, "cursor": first["next_cursor"]})).json()
    assert [p["sku"] for p in first["items"] + rest["items"]] == ["c3", "b2", "a1"]
    wrong = await api.call("GET", "/products", params={"sort": "price"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-sort")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", ""),
        ("sku", "-mug"),
        ("sku", "m g"),
        ("sku", "x" * 65),
        ("sku", "mug\u0000"),
        ("sku", "tässe"),
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 201),
        ("description", "\u0000"),
        ("description", "x" * 5001),
        ("price", -1),
        ("price", 10**12 + 1),
        ("price", 2**63),
        ("price", 10**400),
        ("price", 1.5),
        ("price", "12"),
        ("price", True),
        ("currency", "eur"),
        ("currency", "XXX"),
        ("currency", "\u0000"),
        ("stock", -1),
        ("stock", 2**64),
        ("stock", 1.0),
        ("is_active", 1),
    ],
)
async def test_a_wrong_field_is_named(api: Api, field: str, value: object) -> None:
    shop = await Shop.opened(api)
    refused = await api.call("POST", "/products", as_=shop.keeper, json={**GOOD, field: value})
    assert refused.status_code == 422, refused.text
    assert {error["pointer"] for error in refused.json()["errors"]} == {f"/{field}"}
    if field != "sku":
        await shop.product()
        refused = await api.call("PATCH", "/products/mug", as_=shop.keeper, json={field: value})
        assert refused.status_code == 422, refused.text
        assert {error["pointer"] for error in refused.json()["errors"]} == {f"/{field}"}


@pytest.mark.parametrize("field", ["sku", "id", "version", "created_at"])
async def test_what_is_not_changeable_is_refused(api: Api, field: str) -> None:
    shop = await Shop.opened(api)
    await shop.product()
    refused = await api.call("PATCH", "/products/mug", as_=shop.keeper, json={field: "x"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_a_sku_is_taken_once_whatever_its_case(api: Api) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug")
    taken = await api.call("POST", "/products", as_=shop.keeper, json={**GOOD, "sku": "MUG"})
    assert (taken.status_code, taken.json()["code"]) == (409, "sku-taken")


async def test_a_repeated_request_adds_one_product(api: Api) -> None:
    shop = await Shop.opened(api)
    answers = [
        await api.call("POST", "/products", as_=shop.keeper, json=GOOD, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


async def test_what_orders_take_is_no_change_by_an_administrator(api: Api) -> None:
    """Whoever changes a price is not held up by those who buy; a stock that is set is what is left from then on."""
    shop = await Shop.opened(api)
    await shop.product("mug", stock=10)
    _, ada = await api.member()
    await shop.placed(ada, mug=3)
    shown = await api.call("GET", "/products/mug")
    assert (shown.json()["stock"], shown.headers["etag"]) == (7, '"1"')
    cheaper = await api.call("PATCH", "/products/mug", as_=shop.keeper, json={"price": 1}, headers={"If-Match": '"1"'})
    assert (cheaper.status_code, cheaper.json()["stock"]) == (200, 7)
    await api.call("PATCH", "/products/mug", as_=shop.keeper, json={"stock": 5})
    assert await shop.stock() == 5

"""`Idempotency-Key`: however often a creating request comes, it has one effect and one answer (S25)."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.client import OPERATOR, Api, Tokens

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
CREATING: list[tuple[str, dict[str, Any]]] = [
    ("/users", {"email": "new@example.com", "roles": ["member"]}),
    ("/users/invite", {"email": "new@example.com"}),
    ("/roles", {"name": "editor", "permissions": ["users:read"]}),
    ("/api-keys", {"name": "report", "permissions": []}),
    ("/posts", {"title": "News", "content": "Much is new."}),
    ("/products", {"sku": "jug", "name": "Jug", "price": 900, "currency": "EUR"}),
    ("/orders", {"lines": [{"sku": "mug", "quantity": 1}]}),
    ("/rooms", {"name": "lounge", "title": "The lounge"}),
    ("/notifications", {"user_id": "{me}", "title": "Hello", "body": "World"}),
    ("/notifications/broadcast", {"title": "Hello", "body": "World"}),
    ("/webhooks", {"url": "https://192.0.66.1/hook", "events": ["order.*"]}),
]
ELSEWHERE = {
    "/imports": "test_imports.py",
    "/orders/{order_id}/pay": "test_payments.py",
    "/webhooks/{webhook_id}/deliveries/replay": "test_webhooks.py",
}
"""What needs more than a path, and where it is tried."""
creating = pytest.mark.parametrize(("path", "body"), CREATING, ids=[path for path, _ in CREATING])


async def _post(api: Api, path: str, as_: Tokens, body: Any, key: str = KEY) -> httpx.Response:
    if "user_id" in body:
        body = {**body, "user_id": (await api.me(as_)).json()["id"]}
    return await api.call("POST", path, as_=as_, json=body, headers={"Idempotency-Key": key})


async def _boss(api: Api) -> Tokens:
    """An administrator, where there is something to buy."""
    await api.application.products.create_product(OPERATOR, sku="mug", name="Mug", price=1250, currency="EUR", stock=9)
    return (await api.admin())[1]


async def _effects(api: Api, root: Tokens) -> int:
    """How many entries the trail has."""
    total: int = (await api.call("GET", "/audit", as_=root)).json()["total"]
    return total


def _different(body: dict[str, Any]) -> dict[str, Any]:
    """Another value for the first field that can have one just like that."""
    others = {
        "email": "x@example.com",
        "name": "x",
        "title": "x",
        "lines": [{"sku": "mug", "quantity": 2}],
        "events": ["*"],
    }
    return next({name: other} for name, other in others.items() if name in body)


def _creates(operation: dict[str, Any]) -> bool:
    """It answers with what it made, or with what will be of it, and says where that is."""
    answers = operation.get("responses", {})
    return "security" in operation and ("201" in answers or "content" in answers.get("202", {}))


def test_every_creating_request_of_a_signed_in_caller_takes_a_key(api: Api) -> None:
    creating = {
        path.removeprefix("/api/v1"): {parameter["name"] for parameter in item["post"].get("parameters", ())}
        for path, item in api.app.openapi()["paths"].items()
        if _creates(item.get("post", {}))
    }
    assert set(creating) == {path for path, _ in CREATING} | set(ELSEWHERE)
    assert all("idempotency-key" in names for names in creating.values())


@creating
async def test_the_same_request_gets_the_same_answer(api: Api, path: str, body: dict[str, Any]) -> None:
    root = await _boss(api)
    first = await _post(api, path, root, body)
    effects = await _effects(api, root)
    for key in (KEY, f'"{KEY}"'):
        again = await _post(api, path, root, body, key)
        told_once = {name: first.json()[name] for name in ("key", "secret") if name in first.json()}
        assert (again.status_code, {**again.json(), **told_once}) == (first.status_code, first.json())
        for name in ("location", "etag", "content-type", "cache-control"):
            assert again.headers.get(name) == first.headers.get(name)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await _effects(api, root) == effects


@creating
async def test_another_request_with_the_same_key_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    root = await _boss(api)
    await _post(api, path, root, body)
    effects = await _effects(api, root)
    other = await _post(api, path, root, {**body, **_different(body)})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    elsewhere = await _post(api, "/roles" if path != "/roles" else "/api-keys", root, {"name": "y", "permissions": []})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "idempotency-key-reused")
    assert await _effects(api, root) == effects


@creating
async def test_of_many_at_once_one_has_an_effect(api: Api, path: str, body: dict[str, Any]) -> None:
    root = await _boss(api)
    effects = await _effects(api, root)
    answers = await asyncio.gather(*(_post(api, path, root, body) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"request-running"}
    made = {answer.headers["location"] for answer in answers if answer.is_success}
    assert len(made) == 1
    assert await _effects(api, root) == effects + 1
    assert (await _post(api, path, root, body)).headers["location"] in made


async def test_a_key_is_good_for_a_day(api: Api) -> None:
    _, root = await api.admin()
    body = {"name": "report", "permissions": []}
    first = await _post(api, "/api-keys", root, body)
    api.clock.advance(hours=23, minutes=59)
    root = await api.log_in("root")
    assert (await _post(api, "/api-keys", root, body)).json()["id"] == first.json()["id"]
    api.clock.advance(minutes=2)
    assert (await _post(api, "/api-keys", root, body)).json()["id"] != first.json()["id"]


async def test_keys_are_the_callers_own(api: Api) -> None:
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    body = {"name": "report", "permissions": []}
    hers, his = await _post(api, "/api-keys", ada, body), await _post(api, "/api-keys", bob, body)
    assert (hers.status_code, his.status_code) == (201, 201)
    assert hers.json()["id"] != his.json()["id"]


async def test_what_was_refused_is_not_kept(api: Api) -> None:
    user, ada = await api.member("ada")
    body = {"name": "editor", "permissions": []}
    assert (await _post(api, "/roles", ada, body)).status_code == 403
    await api.admin()
    await api.give(user, "admin")
    assert (await _post(api, "/roles", ada, {"name": "-", "permissions": []})).status_code == 422
    assert (await _post(api, "/roles", ada, body)).status_code == 201


async def test_who_may_no_longer_is_not_told_again(api: Api) -> None:
    user, staff = await api.staff("staff", "roles:create")
    body = {"name": "editor", "permissions": []}
    assert (await _post(api, "/roles", staff, body)).status_code == 201
    await api.give(user, "member")
    assert (await _post(api, "/roles", staff, body)).status_code == 403


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, "schlüssel".encode()])
async def test_a_key_is_some_visible_characters(api: Api, key: str | bytes) -> None:
    _, ada = await api.member("ada")
    answer = await api.call(
        "POST", "/api-keys", as_=ada, json={"name": "x", "permissions": []}, headers={"Idempotency-Key": key}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-idempotency-key")
    assert (await api.call("GET", "/api-keys", as_=ada)).json()["total"] == 0

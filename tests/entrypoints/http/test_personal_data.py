"""What members take along: everything that is kept about them, and nothing of anybody else's."""

import json
import re
from typing import Any
from uuid import UUID

from application.paging import LARGEST_PAGE
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.project.places import read


async def test_it_holds_what_there_is_of_the_member(api: Api) -> None:
    user, ada = await api.member()
    key = await api.key(ada)
    answer = await api.call("GET", "/users/me/export", as_=ada)
    data = answer.json()
    assert data["user"] == (await api.me(ada)).json()
    sessions = (await api.call("GET", "/auth/sessions", as_=ada)).json()["items"]
    assert [session["id"] for session in data["sessions"]] == [session["id"] for session in sessions]
    assert [found["name"] for found in data["api_keys"]] == ["nightly report"]
    assert {entry["actor"] for entry in data["audit"]} == {user["id"]}
    assert "api-key.created" in {entry["action"] for entry in data["audit"]}
    assert key["key"] not in answer.text


async def test_it_holds_what_the_member_made_and_was_told(api: Api) -> None:
    user, ada = await api.member()
    await api.call("PATCH", "/users/me/profile", as_=ada, json={"bio": "Numbers."})
    for title, is_published in (("Draft", False), ("Published", True)):
        body = {"title": title, "content": "Words.", "is_published": is_published}
        assert (await api.call("POST", "/posts", as_=ada, json=body)).status_code == 201
    order = await an_order(api, ada)
    assert (await api.call("POST", f"/orders/{order['id']}/pay", as_=ada, json={})).status_code == 202
    await api.application.notifications.send_notification(OPERATOR, user_id=UUID(user["id"]), title="Hi", body="There")
    choice = {"broadcast": {"in_app": False}}
    await api.call("PATCH", "/notifications/preferences", as_=ada, json=choice)
    data = (await api.call("GET", "/users/me/export", as_=ada)).json()
    assert data["profile"] == (await api.call("GET", "/users/me/profile", as_=ada)).json()
    assert {post["title"] for post in data["posts"]} == {"Draft", "Published"}
    assert data["orders"] == [order]
    [payment] = data["payments"]
    assert (payment["order_id"], payment["amount"], payment["status"]) == (order["id"], 2500, "pending")
    assert [told["title"] for told in data["notifications"]] == ["Hi"]
    preferences = (await api.call("GET", "/notifications/preferences", as_=ada)).json()
    assert data["notification_preferences"] == preferences
    assert preferences["broadcast"]["in_app"] is False


async def an_order(api: Api, buyer: Tokens) -> Any:
    await api.application.products.create_product(OPERATOR, sku="MUG", name="Mug", price=1250, currency="EUR", stock=5)
    answer = await api.call("POST", "/orders", as_=buyer, json={"lines": [{"sku": "MUG", "quantity": 2}]})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_when_the_account_goes_the_orders_stay_without_a_name_and_all_else_goes(api: Api) -> None:
    user, ada = await api.member()
    _, root = await api.admin()
    await api.call("PATCH", "/users/me/profile", as_=ada, json={"bio": "Numbers."})
    post = (await api.call("POST", "/posts", as_=ada, json={"title": "T", "content": "C", "is_published": True})).json()
    paid = await an_order(api, ada)
    await api.application.orders.pay_order(OPERATOR, order_id=UUID(paid["id"]))
    placed = (await api.call("POST", "/orders", as_=ada, json={"lines": [{"sku": "MUG", "quantity": 1}]})).json()
    assert (await api.call("DELETE", "/users/me", as_=ada)).status_code == 204
    await api.application.runner.drain()
    listed = (await api.call("GET", "/orders", as_=root)).json()["items"]
    found = {order["id"]: (order["status"], order["user_id"], order["total"]) for order in listed}
    assert found == {paid["id"]: ("paid", None, 2500), placed["id"]: ("cancelled", None, 1250)}
    assert (await api.call("GET", "/products/MUG")).json()["stock"] == 3
    for path in (f"/posts/{post['id']}", f"/users/{user['id']}/profile", f"/users/{user['id']}/posts"):
        assert (await api.call("GET", path)).status_code == 404, path
    assert not (await api.call("GET", "/outbox/failed", as_=root)).json()["items"]


async def test_the_documentation_names_its_parts(api: Api) -> None:
    _, ada = await api.member()
    table = read("docs/personal-data.md").split("| part |", 1)[1].split("\n\n", 1)[0]
    told = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert told == list((await api.call("GET", "/users/me/export", as_=ada)).json())
    schema = api.app.openapi()["components"]["schemas"]["PersonalDataAnswer"]
    assert told == list(schema["properties"])


async def test_it_holds_nothing_of_others(api: Api) -> None:
    _, ada = await api.member()
    user, bob = await api.member("bob")
    await api.key(bob)
    data = (await api.call("GET", "/users/me/export", as_=ada)).text
    assert user["id"] not in data
    assert "bob" not in data


async def test_it_is_kept_by_no_cache_and_saved_as_a_file(api: Api) -> None:
    _, ada = await api.member()
    answer = await api.call("GET", "/users/me/export", as_=ada)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["content-type"] == "application/json"


async def test_lists_are_whole_however_long(api: Api) -> None:
    _, ada = await api.member()
    changes = LARGEST_PAGE + 3
    for number in range(changes):
        await api.call("PATCH", "/users/me", as_=ada, json={"first_name": f"Ada {number}"})
    data = (await api.call("GET", "/users/me/export", as_=ada)).json()
    ids = [entry["id"] for entry in data["audit"] if entry["action"] == "user.updated"]
    assert len(ids) == len(set(ids)) == changes


async def test_an_api_key_and_who_acts_in_their_place_do_not_get_it(api: Api) -> None:
    user, ada = await api.member()
    key = (await api.key(ada))["key"]
    _, root = await api.admin()
    acting = (await api.call("POST", f"/users/{user['id']}/impersonate", as_=root)).json()["access_token"]
    for credential in (key, acting):
        answer = await api.call("GET", "/users/me/export", headers={"Authorization": f"Bearer {credential}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not-in-person")


async def test_it_is_good_json_with_hostile_names_in_it(api: Api) -> None:
    name = '"},\\"</script>\u202e🦊'
    await api.register(first_name=name)
    ada = await api.log_in()
    answer = await api.call("GET", "/users/me/export", as_=ada)
    assert json.loads(answer.text)["user"]["first_name"] == name

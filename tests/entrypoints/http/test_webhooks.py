"""Webhooks over HTTP: made, changed, looked at, repeated; signed as receivers verify it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import WebhookVerificationError

from application.webhooks.gate import LONGEST_REST, MOST_FOR_ONE
from domain.webhooks.webhook import GONE, MOST_WEBHOOKS, SWITCHED_OFF
from entrypoints.settings import Settings
from tests.contracts.builders import a_webhook
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.entrypoints.http.shop import Shop
from tests.limits import UNLIMITED
from tests.stores import database_url
from tests.webhook_receiver import Received, Receiver, answering, receiving

URL = "https://192.0.66.1/hook"


@pytest.fixture
def settings(store_name: str, tmp_path: Path) -> Settings:
    return Settings(
        bcrypt_cost=4,
        data_dir=tmp_path,
        database_url=database_url(store_name, tmp_path),
        webhooks_to_loopback=True,
        access_token_ttl=86_400,
        **UNLIMITED,
    )


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def subscribed(api: Api, root: Tokens, url: str, *events: str, **fields: Any) -> dict[str, Any]:
    answer = await api.call("POST", "/webhooks", as_=root, json={"url": url, "events": events or ["*"], **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def deliveries(api: Api, root: Tokens, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    answer = await api.call("GET", f"/webhooks/{webhook['id']}/deliveries", as_=root, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def went_on(api: Api, by: timedelta) -> None:
    """So much later, what was due in between was done."""
    api.clock.advance(seconds=by.total_seconds())
    await api.application.runner.drain()


def types(received: list[Received]) -> list[str]:
    return [each.json["type"] for each in received]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_webhook_is_made_shown_changed_and_deleted(api: Api) -> None:
    _, root = await api.admin()
    body = {"url": URL, "events": ["user.created", "order.*", "order.*"], "description": "The warehouse."}
    made = await api.call("POST", "/webhooks", as_=root, json=body)
    webhook = made.json()
    path = f"/webhooks/{webhook['id']}"
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, f"/api/v1{path}", '"1"')
    assert made.headers["cache-control"] == "no-store"
    assert webhook["secret"].startswith("whsec_")
    assert webhook["events"] == ["order.*", "user.created"]
    assert (webhook["is_active"], webhook["disabled_reason"], webhook["overlap_until"]) == (True, None, None)

    shown = await api.call("GET", path, as_=root)
    assert shown.json() == {name: value for name, value in webhook.items() if name != "secret"}
    assert shown.headers["etag"] == '"1"'
    assert webhook["secret"] not in (await api.call("GET", "/webhooks", as_=root)).text

    stale = await api.call("PATCH", path, as_=root, json={"events": ["*"]}, headers={"If-Match": '"7"'})
    refused(stale, 412, "stale-version")
    changes = {"url": "http://192.0.66.2:8080", "events": ["*"], "description": None}
    changed = await api.call("PATCH", path, as_=root, json=changes, headers={"If-Match": '"1"'})
    assert changed.json() | {"updated_at": None} == shown.json() | changes | {
        "url": "http://192.0.66.2:8080/", "updated_at": None,
    }  # fmt: skip
    assert changed.headers["etag"] == '"2"'

    refused(await api.call("DELETE", path, as_=root, headers={"If-Match": '"1"'}), 412, "stale-version")
    assert (await api.call("DELETE", path, as_=root)).status_code == 204
    for method in ("GET", "DELETE"):
        refused(await api.call(method, path, as_=root), 404, "webhook-not-found")
    refused(await api.call("GET", f"{path}/deliveries", as_=root), 404, "webhook-not-found")
    assert (await api.call("GET", "/webhooks", as_=root)).json()["total"] == 0
    trail = await api.trail(root, subject=webhook["id"])
    assert [(entry["action"], entry["fields"]) for entry in trail] == [
        ("webhook.deleted", []),
        ("webhook.updated", ["url", "events", "description"]),
        ("webhook.created", []),
    ]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"url": "http://10.0.0.1/"}, "/url", "internal-address"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "/url", "internal-address"),
        ({"url": "http://0xa000001/"}, "/url", "internal-address"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "/url", "internal-address"),
        ({"url": "http://metadata.google.internal/"}, "/url", "internal-address"),
        ({"url": "http://postgres:5432/"}, "/url", "internal-address"),
        ({"url": "ftp://192.0.66.1/"}, "/url", "bad-url"),
        ({"url": "http://me:secret@192.0.66.1/"}, "/url", "bad-url"),
        ({"url": "\0"}, "/url", "bad-url"),
        ({"events": []}, "/events", "no-events"),
        ({"events": ["order.eaten"]}, "/events", "unknown-event"),
        ({"events": ["password.changed"]}, "/events", "unknown-event"),
        ({"description": "x" * 201}, "/description", "text-too-long"),
        ({"description": "two\nlines"}, "/description", "control-characters"),
    ],
)
async def test_what_cannot_be_is_refused_when_made_and_when_changed(
    api: Api, body: dict[str, Any], pointer: str, code: str
) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, URL)
    made = await api.call("POST", "/webhooks", as_=root, json={"url": URL, "events": ["*"], **body})
    changed = await api.call("PATCH", f"/webhooks/{webhook['id']}", as_=root, json=body)
    for answer in (made, changed):
        refused(answer, 422, code)
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await api.call("GET", "/webhooks", as_=root)).json()["total"] == 1


async def test_there_are_only_so_many(api: Api) -> None:
    _, root = await api.admin()
    async with api.application.webhooks.create_webhook.transactions.begin() as uow:
        for _ in range(MOST_WEBHOOKS - 1):
            await uow.webhooks.add(a_webhook())
    await subscribed(api, root, URL)
    refused(await api.call("POST", "/webhooks", as_=root, json={"url": URL, "events": ["*"]}), 409, "too-many-webhooks")


async def test_a_repeated_request_is_not_told_the_secret_again(api: Api) -> None:
    _, root = await api.admin()
    body, key = {"url": URL, "events": ["*"]}, {"Idempotency-Key": "one"}
    first, again = [await api.call("POST", "/webhooks", as_=root, json=body, headers=key) for _ in range(2)]
    webhook = first.json()
    secret = webhook.pop("secret")
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, webhook, "true")
    assert again.headers["location"] == first.headers["location"]
    path = f"/webhooks/{webhook['id']}/secret"
    key = {"Idempotency-Key": "two"}
    rotated, repeated = [await api.call("POST", path, as_=root, headers=key) for _ in range(2)]
    assert rotated.json()["secret"] not in (secret, None)
    assert "secret" not in repeated.json()
    assert repeated.json()["overlap_until"] == rotated.json()["overlap_until"]
    assert len(await api.trail(root, action="webhook.secret-rotated")) == 1, "the secret before goes on signing"


async def test_each_permission_opens_its_own_door(api: Api) -> None:
    """The matrix asks for every caller; this is what the names mean."""
    _, root = await api.admin()
    webhook = await subscribed(api, root, URL)
    _, reader = await api.staff("reader", "webhooks:read")
    assert (await api.call("GET", f"/webhooks/{webhook['id']}", as_=reader)).status_code == 200
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", f"/deliveries/{uuid4()}/replay")):
        answer = await api.call(
            method, f"/webhooks/{webhook['id']}{path}", as_=reader, json={} if method == "PATCH" else None
        )
        refused(answer, 403, "not-allowed")


# What is sent


async def test_what_happens_is_sent_and_verified_with_the_public_package(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    user, _ = await api.member("ada")
    await api.application.runner.drain()
    [received] = receiver.taken()
    message = received.verified(webhook["secret"])
    assert (message["type"], message["data"]) == ("user.created", {"user_id": user["id"]})
    assert "ada" not in received.body.decode()
    with pytest.raises(WebhookVerificationError):
        received.verified("whsec_" + "A" * 43 + "=")
    [delivery] = await deliveries(api, root, webhook)
    assert (delivery["status"], delivery["event"], delivery["subject"]) == ("delivered", "user.created", user["id"])
    assert (delivery["attempts"], delivery["last_status"], delivery["error"]) == (1, 204, None)
    assert (delivery["message_id"], delivery["next_attempt_at"]) == (received.id, None)
    assert delivery["delivered_at"] is not None
    one = await api.call("GET", f"/webhooks/{webhook['id']}/deliveries/{delivery['id']}", as_=root)
    assert one.json() == {**delivery, "body": received.body.decode()}


async def test_every_event_of_the_catalogue_is_sent_when_it_happens(api: Api, receiver: Receiver) -> None:
    shop = await Shop.opened(api)
    root = shop.keeper
    await subscribed(api, root, receiver.url)

    async def sent() -> list[str]:
        for _ in range(5):
            await went_on(api, LONGEST_REST)
        return types(receiver.taken())

    ada, tokens = await api.member("ada")
    assert await sent() == ["user.created"]
    path = f"/users/{ada['id']}"
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "Ada"})
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "Ada"})
    assert await sent() == ["user.updated"], "the second changed nothing"
    await api.call("PATCH", path, as_=root, json={"is_verified": True, "is_active": False})
    assert await sent() == ["user.updated", "user.deactivated"]
    await api.call("PATCH", path, as_=root, json={"is_active": True})
    assert await sent() == ["user.reactivated"]
    await api.call("PUT", f"{path}/roles", as_=root, json={"roles": []})
    assert await sent() == ["user.roles-changed"]

    tokens = await api.log_in("ada")
    post = (await api.call("POST", "/posts", as_=tokens, json={"title": "On bees"})).json()
    post_path = f"/posts/{post['id']}"
    await api.call("PATCH", post_path, as_=tokens, json={"title": "On wasps"})
    assert await sent() == [], "a draft is its author's own"
    for changes in ({"is_published": True}, {"title": "On ants"}, {"is_published": False}, {"is_published": True}):
        await api.call("PATCH", post_path, as_=tokens, json=changes)
    await api.call("DELETE", post_path, as_=tokens)
    await api.call("POST", "/posts", as_=tokens, json={"title": "At once", "is_published": True})
    assert sorted(await sent()) == [
        "post.deleted", "post.published", "post.published", "post.published", "post.unpublished", "post.updated",
    ]  # fmt: skip

    await shop.product("mug")
    await api.call("PATCH", "/products/mug", as_=root, json={"price": 5})
    assert await sent() == ["product.created", "product.updated"]
    first, second, third = [await shop.placed(tokens, mug=1) for _ in range(3)]
    await shop.do("pay", first)
    await shop.do("fulfil", first)
    await shop.do("refund", first)
    await shop.do("cancel", second, tokens)
    orders = await sent()
    assert sorted(orders) == sorted(
        ["order.placed"] * 3 + ["order.paid", "order.fulfilled", "order.refunded", "order.cancelled"]
    )
    await api.call("DELETE", "/products/mug", as_=root)
    assert await sent() == ["product.deleted"]
    assert (await api.call("DELETE", path, as_=root)).status_code == 204
    assert sorted(await sent()) == ["order.cancelled", "user.deleted"], "the third order goes with its member"
    assert third["id"]


async def test_who_is_invited_and_comes_is_told_of(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    await subscribed(api, root, receiver.url, "user.*", "email.verified")
    await api.call("POST", "/users/invite", as_=root, json={"email": "new@example.com"})
    await api.call("POST", "/users/invite", as_=root, json={"email": "new@example.com"})
    await api.mails()
    assert types(receiver.taken()) == ["user.created"]
    await api.call("POST", "/users/invite", as_=root, json={"email": "new@example.com"})
    token = await api.token_mailed()
    accepted = {"token": token, "password": "violet-anchor-42-lamp", "username": "new"}
    assert (await api.call("POST", "/auth/accept-invitation", json=accepted)).is_success
    await api.application.runner.drain()
    assert types(receiver.taken()) == ["user.updated", "email.verified"]


async def test_only_what_was_asked_for_is_sent_and_from_then_on(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    await api.member("before")
    webhook = await subscribed(api, root, receiver.url, "user.deleted", "post.*")
    user, tokens = await api.member("ada")
    await api.call("POST", "/posts", as_=tokens, json={"title": "On bees", "is_published": True})
    await api.application.runner.drain()
    assert types(receiver.taken()) == ["post.published"]
    await api.call("PATCH", f"/webhooks/{webhook['id']}", as_=root, json={"events": ["user.deleted"]})
    await api.call("POST", "/posts", as_=tokens, json={"title": "On wasps", "is_published": True})
    await api.call("DELETE", f"/users/{user['id']}", as_=root)
    await api.application.runner.drain()
    assert types(receiver.taken()) == ["user.deleted"]
    await api.call("DELETE", f"/webhooks/{webhook['id']}", as_=root)
    await api.call("DELETE", f"/users/{(await api.member('bob'))[0]['id']}", as_=root)
    await api.application.runner.drain()
    assert receiver.taken() == []


async def test_each_webhook_gets_its_own_and_one_that_fails_holds_up_no_other(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    async with receiving() as broken:
        broken.usually = answering(500)
        first, second = await subscribed(api, root, receiver.url), await subscribed(api, root, broken.url)
        await api.member("ada")
        await api.application.runner.drain()
    [good], [bad] = receiver.taken(), broken.taken()
    assert good.id == bad.id, "the message is the same"
    good.verified(first["secret"])
    bad.verified(second["secret"])
    for received, secret in ((good, second["secret"]), (bad, first["secret"])):
        with pytest.raises(WebhookVerificationError):
            received.verified(secret)
    assert [each["status"] for each in await deliveries(api, root, first)] == ["delivered"]
    assert [each["status"] for each in await deliveries(api, root, second)] == ["pending"]


async def test_nothing_is_sent_of_what_did_not_happen(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    await api.register("ada@example.com")
    taken = {"email": "ada@example.com", "password": "violet-anchor-42-lamp"}
    assert (await api.call("POST", "/auth/register", json=taken)).status_code == 409
    await api.application.runner.drain()
    assert types(receiver.taken()) == ["user.created"]
    assert len(await deliveries(api, root, webhook)) == 1


# When it does not arrive


async def test_it_is_tried_again_with_the_same_id_and_a_new_time(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    receiver.script.extend([answering(500), answering(404)])
    await api.member("ada")
    await api.application.runner.drain()
    [delivery] = await deliveries(api, root, webhook)
    assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("pending", 1, 500)
    assert delivery["error"] == "The receiver answered 500."
    await api.application.runner.drain()
    assert len(receiver.received) == 1, "not at once"
    for _ in range(3):
        await went_on(api, LONGEST_REST)
    received = receiver.taken()
    assert len(received) == 3
    assert len({each.id for each in received}) == 1
    assert len({each.body for each in received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in received}) == 3
    [delivery] = await deliveries(api, root, webhook)
    assert (delivery["status"], delivery["attempts"], delivery["error"]) == ("delivered", 3, None)
    assert await api.trail(root, action="webhook.disabled") == []


async def test_what_the_receiver_asks_for_is_waited(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    await subscribed(api, root, receiver.url)
    receiver.script.append(answering(503, "Retry-After: 7200"))
    await api.member("ada")
    await api.application.runner.drain()
    for _ in range(7):
        await went_on(api, timedelta(minutes=17))
    assert len(receiver.received) == 1
    await went_on(api, timedelta(minutes=2))
    assert len(receiver.received) == 2


async def test_after_three_days_it_has_failed_and_can_be_repeated(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    receiver.usually = answering(500)
    webhook = await subscribed(api, root, receiver.url)
    await api.member("ada")
    await api.application.runner.drain()
    for _ in range(75):
        await went_on(api, timedelta(hours=1))
    root = await api.log_in("root")
    [failed] = await deliveries(api, root, webhook, status="failed")
    assert failed["attempts"] == len(receiver.received)
    assert failed["next_attempt_at"] is None
    await went_on(api, timedelta(days=1))
    ids = {each.id for each in receiver.taken()}
    receiver.usually = answering(200)
    root = await api.log_in("root")
    path = f"/webhooks/{webhook['id']}/deliveries/{failed['id']}/replay"
    repeated = await api.call("POST", path, as_=root)
    assert (repeated.status_code, repeated.json()["status"], repeated.json()["attempts"]) == (200, "pending", 0)
    refused(await api.call("POST", path, as_=root), 409, "delivery-pending")
    await api.application.runner.drain()
    [received] = receiver.taken()
    assert {received.id} == ids
    [entry] = await api.trail(root, action="webhook.delivery-replayed")
    assert (entry["subject"], entry["item"]) == (webhook["id"], failed["id"])
    assert [each["status"] for each in await deliveries(api, root, webhook)] == ["delivered"]


async def test_410_switches_it_off(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    path = f"/webhooks/{webhook['id']}"
    receiver.script.append(answering(410))
    user, tokens = await api.member("ada")
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "Ada"})  # waits behind the first
    await api.application.runner.drain()
    shown = (await api.call("GET", path, as_=root)).json()
    assert (shown["is_active"], shown["disabled_reason"]) == (False, GONE)
    [entry] = await api.trail(root, action="webhook.disabled")
    assert (entry["actor"], entry["subject"]) == ("moothall", webhook["id"])
    given_up = await deliveries(api, root, webhook)
    assert [(each["status"], each["error"]) for each in given_up] == [("failed", GONE)] * 2
    assert given_up[1]["last_status"] == 410

    await api.member("bob")
    await went_on(api, timedelta(days=1))
    assert len(receiver.taken()) == 1
    root = await api.log_in("root")
    replay = f"{path}/deliveries/{given_up[0]['id']}/replay"
    refused(await api.call("POST", replay, as_=root), 409, "webhook-disabled")
    switched_on = await api.call("PATCH", path, as_=root, json={"is_active": True})
    assert (switched_on.json()["is_active"], switched_on.json()["disabled_reason"]) == (True, None)
    assert (await api.call("POST", replay, as_=root)).status_code == 200
    await api.application.runner.drain()
    [received] = receiver.taken()
    assert (received.json["type"], received.json["data"]) == ("user.updated", {"user_id": user["id"]})


async def test_what_is_switched_off_by_hand_gives_up_what_waits(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    await api.member("ada")
    changed = await api.call("PATCH", f"/webhooks/{webhook['id']}", as_=root, json={"is_active": False})
    assert changed.json()["disabled_reason"] == SWITCHED_OFF
    await api.application.runner.drain()
    assert receiver.taken() == []
    assert [(d["status"], d["error"]) for d in await deliveries(api, root, webhook)] == [("failed", SWITCHED_OFF)]
    [entry] = await api.trail(root, action="webhook.updated")
    assert "-is_active" in entry["fields"]


async def test_a_secret_is_rotated_with_an_overlap(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    rotated = (await api.call("POST", f"/webhooks/{webhook['id']}/secret", as_=root)).json()
    assert rotated["secret"] != webhook["secret"]
    await api.member("ada")
    await api.application.runner.drain()
    [received] = receiver.taken()
    assert len(received.headers["webhook-signature"].split(" ")) == 2
    for secret in (rotated["secret"], webhook["secret"]):
        received.verified(secret)
    api.clock.advance(hours=24)
    await api.member("bob")
    await api.application.runner.drain()
    [received] = receiver.taken()
    assert len(received.headers["webhook-signature"].split(" ")) == 1
    assert received.headers["webhook-timestamp"] == str(int(api.clock.now().timestamp()))


async def test_a_span_is_sent_once_more_in_order(api: Api, receiver: Receiver) -> None:
    admin, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    await api.member("before")
    api.clock.advance(hours=1)
    since = api.clock.now()
    user, tokens = await api.member("ada")
    for name in ("A", "B", "C"):
        await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": name})
    await api.application.runner.drain()
    api.clock.advance(minutes=1)
    until = api.clock.now()
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "D"})
    await api.application.runner.drain()
    before = receiver.taken()
    ids = [each.id for each in before if each.json["data"]["user_id"] == user["id"]][:4]
    path = f"/webhooks/{webhook['id']}/deliveries/replay"
    span = {"since": since.isoformat(), "until": until.isoformat()}

    asked = [await api.call("POST", path, as_=root, json=span, headers={"Idempotency-Key": "again"}) for _ in range(2)]
    job = asked[0].json()
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[1].json() == job
    assert asked[0].headers["location"] == f"/api/v1/jobs/{job['id']}"
    await api.application.runner.drain()
    assert [each.id for each in receiver.taken()] == ids
    done = (await api.call("GET", f"/jobs/{job['id']}", as_=root)).json()
    assert (done["status"], done["result"], done["user_id"]) == ("succeeded", {"deliveries": 4}, admin["id"])
    [entry] = await api.trail(root, action="webhook.replay-requested")
    assert (entry["subject"], entry["item"]) == (webhook["id"], job["id"])

    failed_only = await api.call("POST", path, as_=root, json={**span, "status": "failed"})
    await api.application.runner.drain()
    assert failed_only.status_code == 202
    assert receiver.taken() == []


async def test_a_span_has_to_be_one(api: Api) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, URL)
    path = f"/webhooks/{webhook['id']}/deliveries/replay"
    span = {"since": "2026-11-21T09:00:00Z", "until": "2026-11-21T10:00:00Z"}
    turned = {"since": span["until"], "until": span["since"]}
    refused(await api.call("POST", path, as_=root, json=turned), 422, "bad-span")
    refused(await api.call("POST", path, as_=root, json={**span, "status": "pending"}), 422, "bad-status")
    assert (await api.call("POST", path, as_=root, json={**span, "status": "lost"})).status_code == 422
    assert (await api.call("POST", path, as_=root, json={"since": "yesterday", "until": "now"})).status_code == 422
    missing = f"/webhooks/{uuid4()}/deliveries/replay"
    refused(await api.call("POST", missing, as_=root, json=span), 404, "webhook-not-found")
    await api.call("PATCH", f"/webhooks/{webhook['id']}", as_=root, json={"is_active": False})
    refused(await api.call("POST", path, as_=root, json=span), 409, "webhook-disabled")


async def test_another_webhooks_delivery_is_not_found_here(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    one, other = await subscribed(api, root, receiver.url), await subscribed(api, root, receiver.url)
    await api.member("ada")
    await api.application.runner.drain()
    [delivery] = await deliveries(api, root, one)
    path = f"/webhooks/{other['id']}/deliveries/{delivery['id']}"
    for method, url in (("GET", path), ("POST", f"{path}/replay")):
        refused(await api.call(method, url, as_=root), 404, "delivery-not-found")


async def test_what_waits_for_a_webhook_that_is_deleted_is_dropped(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url)
    _, tokens = await api.member("ada")
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "Ada"})
    await api.call("DELETE", f"/webhooks/{webhook['id']}", as_=root)
    await api.application.runner.drain()
    assert receiver.taken() == []
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        assert await uow.webhook_deliveries.overdue(api.clock.now() + timedelta(days=9), limit=9) == []


async def test_who_sends_is_no_job_to_whoever_looks_at_jobs(api: Api, receiver: Receiver) -> None:
    _, root = await api.admin()
    await api.application.runner.drain()
    before = (await api.call("GET", "/jobs", as_=root)).json()["total"]
    await subscribed(api, root, receiver.url)
    receiver.usually = answering(500)
    await api.member("ada")
    await api.application.runner.drain()
    assert len(receiver.received) == 1
    assert (await api.call("GET", "/jobs", as_=root)).json()["total"] == before
    assert (await api.call("GET", "/jobs?kind=send-webhook", as_=root)).json()["items"] == []


async def test_a_slow_receiver_holds_up_nothing_else(api: Api, receiver: Receiver) -> None:
    """No more than a few at once go to one webhook: the rest is put back, and mails go out meanwhile."""
    _, root = await api.admin()
    await subscribed(api, root, receiver.url, "user.created")
    for number in range(30):
        await api.application.identity.create_user(OPERATOR, email=f"m{number}@example.com")
    await api.application.runner.drain()
    assert receiver.most_at_once <= MOST_FOR_ONE
    for _ in range(30):
        await went_on(api, timedelta(seconds=3))
    assert len(receiver.received) == 30
    assert receiver.most_at_once <= MOST_FOR_ONE


async def test_a_receiver_that_fails_is_left_alone_for_a_while(api: Api, receiver: Receiver) -> None:
    """Which costs no attempt: else those that wait would be given up for what one of them met."""
    _, root = await api.admin()
    receiver.usually = answering(503)
    webhook = await subscribed(api, root, receiver.url, "user.created")
    for number in range(12):
        await api.application.identity.create_user(OPERATOR, email=f"m{number}@example.com")
    await api.application.runner.drain()
    assert len(receiver.received) <= MOST_FOR_ONE
    attempts = [each["attempts"] for each in await deliveries(api, root, webhook)]
    assert sum(attempts) == len(receiver.received)
    assert attempts.count(0) >= 12 - MOST_FOR_ONE
    receiver.usually = answering(200)
    for _ in range(8):
        await went_on(api, LONGEST_REST)
    assert len(await deliveries(api, root, webhook, status="delivered")) == 12

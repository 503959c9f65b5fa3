"""Notifications over HTTP: what members are told, by what happens and by administrators."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.access.actor import PROCESS
from domain.events import Event
from domain.orders.events import OrderCancelled, OrderFulfilled, OrderPaid, OrderPlaced, OrderRefunded
from domain.orders.number import order_number
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.entrypoints.work import a_job, store

PARTS = {"id", "kind", "title", "body", "created_at", "read_at"}
MESSAGE = {"title": "Hello", "body": "Welcome\nto the hall"}


async def _list(api: Api, tokens: Tokens, **query: Any) -> dict[str, Any]:
    answer = await api.call("GET", "/notifications", as_=tokens, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _kinds(api: Api, tokens: Tokens) -> list[str]:
    return [item["kind"] for item in (await _list(api, tokens))["items"]]


async def _send(api: Api, tokens: Tokens, user: dict[str, Any], **fields: Any) -> httpx.Response:
    body = {"user_id": user["id"], **MESSAGE, **fields}
    return await api.call("POST", "/notifications", as_=tokens, json=body)


async def _told(api: Api, user: dict[str, Any], count: int = 1) -> None:
    for n in range(count):
        await api.application.notifications.send_notification(
            OPERATOR, user_id=UUID(user["id"]), title=f"Message {n}", body="Hello"
        )
        api.clock.advance(seconds=1)


async def _emit(api: Api, event: Event) -> None:
    sending = api.application.notifications.send_notification
    async with sending.transactions.begin() as uow:
        await sending.notifier.outbox.emit(uow, PROCESS, event)
    await api.application.runner.drain()


def _refused(answer: httpx.Response, status: int, code: str, pointer: str | None = None) -> None:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    if pointer is not None:
        assert [problem["pointer"] for problem in body["errors"]] == [pointer]


async def test_a_message_reaches_its_member(api: Api) -> None:
    ada, tokens = await api.member("ada")
    _, sender = await api.staff("writer", "notifications:send")
    sent = await _send(api, sender, ada)
    assert sent.status_code == 201, sent.text
    made = sent.json()
    assert made.keys() == PARTS
    assert sent.headers["location"] == f"/api/v1/notifications/{made['id']}"
    assert (made["kind"], made["title"], made["body"], made["read_at"]) == ("message", *MESSAGE.values(), None)
    found = await _list(api, tokens)
    assert found["items"] == [made]
    assert (found["unread"], found["total"], found["page"], found["next_cursor"]) == (1, 1, 1, None)
    shown = await api.call("GET", f"/notifications/{made['id']}", as_=tokens)
    assert shown.json() == made
    _refused(await api.call("GET", f"/notifications/{made['id']}", as_=sender), 404, "notification-not-found")


async def test_a_message_that_is_sent_twice_with_a_key_comes_once(api: Api) -> None:
    ada, tokens = await api.member("ada")
    _, sender = await api.staff("writer", "notifications:send", "notifications:broadcast")
    for path, body in (("/notifications", {"user_id": ada["id"], **MESSAGE}), ("/notifications/broadcast", MESSAGE)):
        key = {"Idempotency-Key": uuid4().hex}
        first, second = [await api.call("POST", path, as_=sender, json=body, headers=key) for _ in range(2)]
        assert first.status_code == second.status_code
        assert (first.content, first.headers["location"]) == (second.content, second.headers["location"])
    await api.application.runner.drain()
    assert await _kinds(api, tokens) == ["broadcast", "message"]


async def test_reading_keeps_the_first_time(api: Api) -> None:
    ada, tokens = await api.member("ada")
    _, other = await api.member("bob")
    await _told(api, ada, 2)
    [newest, oldest] = (await _list(api, tokens))["items"]
    path = f"/notifications/{oldest['id']}/read"
    first = await api.call("POST", path, as_=tokens)
    api.clock.advance(hours=1)
    again = await api.call("POST", path, as_=await api.log_in("ada"))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["read_at"] is not None
    assert again.json() == first.json() == {**oldest, "read_at": first.json()["read_at"]}
    _refused(await api.call("POST", path, as_=await api.log_in("bob")), 404, "notification-not-found")
    unread, read = [(await _list(api, await api.log_in("ada"), unread=which)) for which in ("true", "false")]
    assert ([item["id"] for item in unread["items"]], unread["unread"]) == ([newest["id"]], 1)
    assert ([item["id"] for item in read["items"]], read["unread"]) == ([oldest["id"]], 1)
    assert other.headers


async def test_all_can_be_read_at_once(api: Api) -> None:
    ada, tokens = await api.member("ada")
    bob, bobs = await api.member("bob")
    await _told(api, ada, 3)
    await _told(api, bob)
    assert (await api.call("POST", "/notifications/read-all", as_=tokens)).status_code == 204
    assert (await _list(api, tokens))["unread"] == 0
    assert (await _list(api, bobs))["unread"] == 1


async def test_pages_and_cursors_are_newest_first(api: Api) -> None:
    ada, tokens = await api.member("ada")
    await _told(api, ada, 5)
    titles = [f"Message {n}" for n in (4, 3, 2, 1, 0)]
    found, cursor = [], ""
    while cursor is not None:
        page = await _list(api, tokens, cursor=cursor, page_size=2)
        assert (page["unread"], page["total"]) == (5, None)
        found += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == titles
    second = await _list(api, tokens, page=2, page_size=2)
    assert ([item["title"] for item in second["items"]], second["total"], second["pages"]) == (titles[2:4], 5, 3)


async def test_a_broadcast_is_a_job_that_comes_to_all(api: Api) -> None:
    _, tokens = await api.member("ada")
    _, sender = await api.staff("writer", "notifications:broadcast")
    asked = await api.call("POST", "/notifications/broadcast", as_=sender, json=MESSAGE)
    assert asked.status_code == 202, asked.text
    location = asked.headers["location"]
    assert location == f"/api/v1/jobs/{asked.json()['id']}"
    await api.application.runner.drain()
    job = (await api.http.get(location, headers=sender.headers)).json()
    assert (job["status"], job["progress"]["done"], job["progress"]["total"]) == ("succeeded", 2, 2)
    [item] = (await _list(api, tokens))["items"]
    assert (item["kind"], item["title"], item["body"]) == ("broadcast", *MESSAGE.values())
    await api.application.runner.drain()
    assert sorted(await _kinds(api, sender)) == ["broadcast", "job"], "who asked for it is told that it is done"


async def test_who_does_not_want_broadcasts_gets_none(api: Api) -> None:
    _, tokens = await api.member("ada")
    changed = await api.call(
        "PATCH", "/notifications/preferences", as_=tokens, json={"broadcast": {"in_app": False, "mail": True}}
    )
    assert changed.status_code == 200, changed.text
    await api.mails()
    await api.application.notifications.broadcast_notification(OPERATOR, title="Closed", body="On Thursday")
    [mail] = await api.mails()
    assert (mail.to, "Closed" in mail.text.subject, "On Thursday" in mail.text.plain) == ("ada@example.com", True, True)
    assert await _kinds(api, tokens) == []


async def test_preferences_change_only_where_they_are_sent(api: Api) -> None:
    _, tokens = await api.member("ada")
    before = await api.call("GET", "/notifications/preferences", as_=tokens)
    assert before.headers["etag"] == '"1"'
    assert before.json() == {
        "welcome": {"in_app": True, "mail": True},
        "sign-in": {"in_app": True, "mail": True},
        "order": {"in_app": True, "mail": True},
        "job": {"in_app": True, "mail": False},
        "message": {"in_app": True, "mail": False},
        "broadcast": {"in_app": True, "mail": False},
    }
    changes = {"order": {"mail": False}, "sign-in": {"in_app": False}}
    changed = await api.call(
        "PATCH", "/notifications/preferences", as_=tokens, json=changes, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    expected = {
        **before.json(),
        "order": {"in_app": True, "mail": False},
        "sign-in": {"in_app": False, "mail": True},
    }
    assert (changed.json(), changed.headers["etag"]) == (expected, '"3"')
    shown = await api.call("GET", "/notifications/preferences", as_=tokens)
    assert (shown.json(), shown.headers["etag"]) == (expected, '"3"')
    stale = await api.call("PATCH", "/notifications/preferences", as_=tokens, json={}, headers={"If-Match": '"1"'})
    _refused(stale, 412, "stale-version")
    nothing = await api.call("PATCH", "/notifications/preferences", as_=tokens, json=changes)
    assert nothing.headers["etag"] == '"3"'
    _, admin = await api.admin()
    [entry] = await api.trail(admin, action="notification-preferences.changed")
    assert sorted(entry["fields"]) == ["order", "sign-in"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"orders": {"mail": False}}, "/orders"),
        ({"sign_in": {"in_app": False}}, "/sign_in"),
        ({"order": {"sms": True}}, "/order/sms"),
        ({"order": {"mail": None}}, "/order/mail"),
        ({"order": {"mail": 1}}, "/order/mail"),
        ({"order": None}, "/order"),
        ({"sign-in": {"mail": False}}, "/sign-in/mail"),
        ({"message": {"in_app": False}}, "/message/in_app"),
    ],
)
async def test_preferences_that_there_are_not_are_refused(api: Api, changes: Any, pointer: str) -> None:
    _, tokens = await api.member("ada")
    answer = await api.call("PATCH", "/notifications/preferences", as_=tokens, json=changes)
    assert answer.status_code == 422, answer.text
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]
    assert (await api.call("GET", "/notifications/preferences", as_=tokens)).headers["etag"] == '"1"'


@pytest.mark.parametrize("path", ["/notifications", "/notifications/broadcast"])
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": "a\nb"}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "nul\0"}, "/title"),
        ({"body": " \n"}, "/body"),
        ({"body": "x" * 4001}, "/body"),
        ({"body": "nul\0"}, "/body"),
        ({"body": "\x1b[2J"}, "/body"),
        ({"body": None}, "/body"),
    ],
)
async def test_a_message_that_cannot_be_shown_is_refused(api: Api, path: str, fields: Any, pointer: str) -> None:
    ada, _ = await api.member("ada")
    _, sender = await api.staff("writer", "notifications:send", "notifications:broadcast")
    to = {"user_id": ada["id"]} if path == "/notifications" else {}
    answer = await api.call("POST", path, as_=sender, json={**MESSAGE, **to, **fields})
    assert answer.status_code == 422, answer.text
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


async def test_nobody_can_be_written_to_who_is_not_there(api: Api) -> None:
    _, sender = await api.staff("writer", "notifications:send")
    _refused(await _send(api, sender, {"id": str(uuid4())}), 404, "user-not-found")


async def test_a_message_goes_by_mail_too_where_that_is_wanted(api: Api) -> None:
    ada, tokens = await api.member("ada")
    await api.mails()
    await _told(api, ada)
    assert await api.mails() == []
    await api.call("PATCH", "/notifications/preferences", as_=tokens, json={"message": {"mail": True}})
    await _told(api, ada)
    [mail] = await api.mails()
    assert mail.to == "ada@example.com"
    assert mail.text.subject.startswith("Message 0")
    assert (await _list(api, tokens))["unread"] == 2


async def test_who_verified_an_address_is_welcomed_once(api: Api) -> None:
    await api.member("ada")
    token = await api.token_mailed()
    await api.call("POST", "/auth/verify-email", json={"token": token})
    assert [mail.text.subject for mail in await api.mails()] == ["Welcome to Moothall"]
    tokens = await api.log_in("ada")
    assert await _kinds(api, tokens) == ["welcome"]


async def test_a_welcome_that_is_not_wanted_does_not_come(api: Api) -> None:
    _, tokens = await api.member("ada")
    token = await api.token_mailed()
    unwanted = {"welcome": {"in_app": False, "mail": False}}
    await api.call("PATCH", "/notifications/preferences", as_=tokens, json=unwanted)
    await api.call("POST", "/auth/verify-email", json={"token": token})
    assert await api.mails() == []
    assert await _kinds(api, tokens) == []


async def test_a_sign_in_from_elsewhere_is_told_with_device_and_address(api: Api) -> None:
    _, tokens = await api.member("ada")
    await api.mails()
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    login = {"username": "ada", "password": "violet-anchor-42-lamp"}
    await api.call("POST", "/auth/login", data=login, headers={"User-Agent": firefox})
    assert len(await api.mails()) == 1
    [item] = (await _list(api, tokens))["items"]
    assert item["kind"] == "sign-in"
    assert "Firefox on Linux" in item["body"]
    assert "127.0.0.1" in item["body"]


@pytest.mark.parametrize("kind", [OrderPlaced, OrderPaid, OrderFulfilled, OrderCancelled, OrderRefunded])
async def test_what_becomes_of_an_order_is_told(api: Api, kind: Any) -> None:
    ada, tokens = await api.member("ada")
    order_id = uuid4()
    await _emit(api, kind(order_id, UUID(ada["id"])))
    [item] = (await _list(api, tokens))["items"]
    assert item["kind"] == "order"
    assert order_number(order_id) in item["title"]
    await api.call("PATCH", "/notifications/preferences", as_=tokens, json={"order": {"in_app": False}})
    await _emit(api, kind(order_id, UUID(ada["id"])))
    assert len((await _list(api, tokens))["items"]) == 1


async def test_who_is_gone_meanwhile_is_told_nothing(api: Api) -> None:
    await _emit(api, OrderPaid(uuid4(), uuid4()))
    assert await api.application.jobs.list_failed_deliveries.queries.count_failed_deliveries() == 0


async def test_a_job_that_was_cancelled_is_told_to_nobody(api: Api) -> None:
    ada, tokens = await api.member("ada")
    job = a_job(api.clock.now(), UUID(ada["id"]))
    await store(api.application, job)
    assert (await api.call("POST", f"/jobs/{job.id}/cancel", as_=tokens)).status_code == 200
    await api.application.runner.drain()
    assert await _kinds(api, tokens) == []


async def test_what_was_sent_is_in_the_trail_and_what_it_says_is_not(api: Api) -> None:
    ada, _ = await api.member("ada")
    _, sender = await api.staff("writer", "notifications:send", "notifications:broadcast", "audit:read")
    sent = (await _send(api, sender, ada)).json()
    await api.call("POST", "/notifications/broadcast", as_=sender, json=MESSAGE)
    broadcast, message = (await api.trail(sender))[:2]
    assert (message["action"], message["subject"], message["item"]) == ("notification.sent", ada["id"], sent["id"])
    assert (broadcast["action"], broadcast["subject"]) == ("broadcast.requested", None)
    assert MESSAGE["title"] not in str([broadcast, message])

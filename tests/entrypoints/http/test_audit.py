"""The audit trail: one entry for each change, none for anything else, and nothing in it but ids and names of fields."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.orders.order import Order
from tests.contracts.builders import a_payment, a_webhook_delivery
from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api, Tokens, token_in
from tests.entrypoints.http.people import a_notice
from tests.entrypoints.work import a_delivery, a_job, failed, store
from tests.pictures import a_picture

PARTS = {
    "id", "at", "action", "actor", "api_key_id", "impersonating", "subject", "item", "fields", "address", "request_id",
    "proof",
}  # fmt: skip
HAVE_ITEMS = {
    "session.started", "session.refreshed", "session.reuse-detected", "session.ended", "api-key.created",
    "api-key.revoked", "user.impersonated", "job.cancelled", "job.retried", "delivery.retried", "delivery.discarded",
    "avatar.replaced", "avatar.removed", "post.created", "post.updated", "post.published", "post.deleted",
    "product.created", "product.updated", "product.deleted", "order.placed", "order.paid", "order.fulfilled",
    "order.refunded", "order.cancelled", "payment.started", "notification.sent", "broadcast.requested",
    "members.import-started",
    "room.created", "room.deleted",
    "webhook.delivery-replayed", "webhook.replay-requested",
}  # fmt: skip
CHANGE_NOTHING = {("POST", "/auth/introspect")}
OF_THINGS = {
    ("PATCH", "/users/me/profile"), ("PUT", "/users/me/avatar"), ("DELETE", "/users/me/avatar"),
    ("PATCH", "/users/{user_id}/profile"), ("DELETE", "/users/{user_id}/avatar"),
    ("POST", "/posts"), ("PATCH", "/posts/{post_id}"), ("DELETE", "/posts/{post_id}"),
    ("POST", "/products"), ("PATCH", "/products/{sku}"), ("DELETE", "/products/{sku}"),
    ("POST", "/orders"), ("POST", "/orders/{order_id}/pay"), ("POST", "/orders/{order_id}/fulfil"),
    ("POST", "/orders/{order_id}/refund"), ("POST", "/orders/{order_id}/cancel"),
    ("POST", "/payments/{gateway}/callback"), ("POST", "/notifications"), ("POST", "/notifications/broadcast"),
    ("POST", "/imports"),
    ("POST", "/notifications/{notification_id}/read"), ("POST", "/notifications/read-all"),
    ("PATCH", "/notifications/preferences"), ("POST", "/rooms"), ("DELETE", "/rooms/{name}"), ("POST", "/live/tickets"),
    ("PATCH", "/notifications/preferences"), ("POST", "/webhooks"), ("PATCH", "/webhooks/{webhook_id}"),
    ("DELETE", "/webhooks/{webhook_id}"), ("POST", "/webhooks/{webhook_id}/secret"),
    ("POST", "/webhooks/{webhook_id}/deliveries/replay"),
    ("POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"),
}  # fmt: skip
"""What members have besides their account: these have a walk of their own."""


@dataclass
class Walk:
    """Requests, one after the other, and what each one left in the trail."""

    api: Api
    auditor: Tokens
    walked: set[tuple[str, str]] = field(default_factory=set)
    seen: int = 0

    async def new(self) -> list[dict[str, Any]]:
        entries = await self.api.trail(self.auditor)
        found, self.seen = entries[: len(entries) - self.seen], len(entries)
        return found

    async def step(
        self,
        method: str,
        template: str,
        action: str | None,
        actor: Any = None,
        subject: Any = None,
        fields: tuple[str, ...] = (),
        *,
        status: int,
        as_: Tokens | None = None,
        key: str | None = None,
        item: str | None = None,
        ids: tuple[str, ...] = (),
        more_headers: Mapping[str, str] = {},
        **rest: Any,
    ) -> httpx.Response:
        """The request adds exactly the one entry that is expected; with no action, none."""
        self.walked.add((method, template))
        path = template
        for part in ids:
            path = f"{path[: path.index('{')]}{part}{path[path.index('}') + 1 :]}"
        self.api.clock.advance(seconds=1)
        request_id = f"step-{len(self.walked)}-{uuid4()}"
        headers = {"X-Request-ID": request_id, **({"X-API-Key": key} if key else {}), **more_headers}
        answer = await self.api.call(method, path, as_=as_, headers=headers, **rest)
        assert answer.status_code == status, (template, answer.text)
        entries = await self.new()
        if action is None:
            assert entries == [], template
            return answer
        [entry] = entries
        subject = answer.json()["id"] if subject == "new" else subject
        actor = subject if actor == "subject" else actor
        assert entry.keys() == PARTS
        assert (entry["action"], entry["actor"], entry["subject"]) == (action, actor, subject), template
        assert tuple(entry["fields"]) == fields, template
        assert (entry["address"], entry["request_id"]) == ("127.0.0.1", request_id)
        assert datetime.fromisoformat(entry["at"]) == self.api.clock.now()
        assert (entry["item"] is not None) == (action in HAVE_ITEMS), template
        assert item in (None, entry["item"]), template
        return answer

    async def sessions(self, tokens: Tokens) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.api.call("GET", "/auth/sessions", as_=tokens)).json()["items"]
        return items


def _tokens(answer: httpx.Response) -> Tokens:
    return Tokens(answer.json()["access_token"], answer.json()["refresh_token"])


async def test_every_change_leaves_exactly_one_entry(api: Api) -> None:
    """S40."""
    boss_user, root = await api.admin()
    boss = boss_user["id"]
    walk = Walk(api, root)
    await walk.new()
    step = walk.step

    # A member signs in, stays signed in, and signs out.
    account = {"email": "ada@example.com", "password": PASSWORD, "username": "ada"}
    user = await step("POST", "/auth/register", "user.registered", "anonymous", "new", status=201, json=account)
    ada = user.json()["id"]
    form = {"username": "ada", "password": PASSWORD}
    again = await step("POST", "/auth/login", "session.started", ada, ada, status=200, data=form)
    refresh = {"refresh_token": again.json()["refresh_token"]}
    [session] = await walk.sessions(_tokens(again))
    sid = session["id"]
    renewed = await step(
        "POST", "/auth/refresh", "session.refreshed", ada, ada, item=sid, status=200, json=refresh
    )  # fmt: skip
    await step("POST", "/auth/refresh", None, status=200, json=refresh)
    tokens = _tokens(renewed)
    await step("POST", "/auth/logout", "session.ended", ada, ada, item=sid, status=204, as_=tokens)
    stolen = (await step("POST", "/auth/login", "session.started", ada, ada, status=200, data=form)).json()
    refresh = {"refresh_token": stolen["refresh_token"]}
    await step("POST", "/auth/refresh", "session.refreshed", ada, ada, status=200, json=refresh)
    api.clock.advance(seconds=11)
    await step("POST", "/auth/refresh", "session.reuse-detected", "anonymous", ada, status=401, json=refresh)
    form["grant_type"] = "password"
    pair = _tokens(await step("POST", "/auth/token", "session.started", ada, ada, status=200, data=form))
    grant = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
    pair = _tokens(await step("POST", "/auth/token", "session.refreshed", ada, ada, status=200, data=grant))
    revoked = {"token": pair.access_token}
    await step("POST", "/auth/revoke", "session.ended", "anonymous", ada, status=200, data=revoked)
    await step("POST", "/auth/revoke", None, status=200, data=revoked)

    # The same member's own account, sessions and keys.
    me, other = await api.log_in("ada"), await api.log_in("ada")
    await walk.new()
    names = {"first_name": "Ada", "last_name": "King"}
    changed: tuple[str, ...] = ("first_name", "last_name")
    await step("PATCH", "/users/me", "user.updated", ada, ada, changed, status=200, as_=me, json=names)
    await step("PATCH", "/users/me", None, status=200, as_=me, json=names)
    passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    await step("PUT", "/users/me/password", "user.updated", ada, ada, ("password",), status=204, as_=me, json=passwords)
    assert (await api.me(other)).status_code == 401
    await step("DELETE", "/auth/sessions", None, status=204, as_=me)
    other = await api.log_in("ada", ANOTHER_PASSWORD)
    await walk.new()
    await step("DELETE", "/auth/sessions", "session.others-ended", ada, ada, status=204, as_=me)
    await api.log_in("ada", ANOTHER_PASSWORD)
    await walk.new()
    [one] = [found["id"] for found in await walk.sessions(me) if not found["is_current"]]
    path = "/auth/sessions/{session_id}"
    await step("DELETE", path, "session.ended", ada, ada, item=one, status=204, as_=me, ids=(one,))
    body: dict[str, Any] = {"name": "report", "permissions": []}
    key = (await step("POST", "/api-keys", "api-key.created", ada, ada, status=201, as_=me, json=body)).json()
    await step("GET", "/users/me", None, status=200, key=key["key"])
    path = "/api-keys/{key_id}"
    await step("DELETE", path, "api-key.revoked", ada, ada, item=key["id"], status=204, as_=me, ids=(key["id"],))

    # What is done in the background.
    now = api.clock.now()
    waiting, lost = a_job(now, UUID(ada)), failed(a_job(now, UUID(ada)))
    set_aside, discarded = a_delivery(now), a_delivery(now)
    await store(api.application, waiting, lost, set_aside, discarded)
    path, one = "/jobs/{job_id}/cancel", str(waiting.id)
    await step("POST", path, "job.cancelled", ada, ada, item=one, status=200, as_=me, ids=(one,))
    path, one = "/jobs/{job_id}/retry", str(lost.id)
    await step("POST", path, "job.retried", ada, ada, item=one, status=200, as_=me, ids=(one,))
    path, one = "/outbox/failed/{delivery_id}/retry", str(set_aside.id)
    await step("POST", path, "delivery.retried", boss, "mail-welcome", item=one, status=204, as_=root, ids=(one,))
    path, one = "/outbox/failed/{delivery_id}", str(discarded.id)
    await step("DELETE", path, "delivery.discarded", boss, "mail-welcome", item=one, status=204, as_=root, ids=(one,))

    # The links in mails.
    await api.mails()
    for path in ("/auth/verify-email/request", "/auth/forgot-password"):
        await step("POST", path, None, status=202, json={"email": "ada@example.com"})
    links = {mail.key.rpartition(".")[2]: token_in(mail) for mail in await api.mails()}
    asked = [(entry["action"], entry["actor"], entry["subject"]) for entry in await walk.new()]
    assert sorted(asked) == [
        ("password-reset.requested", "anonymous", ada),
        ("verification.requested", "anonymous", ada),
    ]
    body = {"token": links["mail-verify-email"]}
    await step("POST", "/auth/verify-email", "user.updated", ada, ada, ("+is_verified",), status=204, json=body)
    body = {"token": links["mail-reset-password"], "password": ANOTHER_PASSWORD}
    await step("POST", "/auth/reset-password", "user.updated", ada, ada, ("password",), status=204, json=body)
    me = await api.log_in("ada", ANOTHER_PASSWORD)
    await api.mails()
    await walk.new()
    body = {"email": "ada@new.example", "password": ANOTHER_PASSWORD}
    await step("POST", "/users/me/email", "email-change.requested", ada, ada, status=202, as_=me, json=body)
    body, changed = {"token": await api.token_mailed()}, ("email", "+is_verified")
    await step("POST", "/auth/verify-email", "user.updated", ada, ada, changed, status=204, json=body)
    await api.mails()
    body = {"email": "invited@example.com"}
    await step("POST", "/users/invite", "user.invited", boss, "new", ("+member",), status=202, as_=root, json=body)
    body, changed = {"token": await api.token_mailed(), "password": PASSWORD}, ("password", "+is_verified")
    accepted = "user.invitation-accepted"
    await step("POST", "/auth/accept-invitation", accepted, "subject", "new", changed, status=200, json=body)
    path = "/users/{user_id}/password-reset"
    await step("POST", path, "password-reset.requested", boss, ada, status=202, as_=root, ids=(ada,))

    # Administration, in person and with a key.
    body = {"name": "desk", "description": "Looks after them.", "permissions": ["users:read"]}
    await step("POST", "/roles", "role.created", boss, "desk", ("+users:read",), status=201, as_=root, json=body)
    path, body = "/roles/{name}", {"permissions": ["sessions:*"], "description": None}
    changed = ("description", "+sessions:*", "-users:read")
    await step("PATCH", path, "role.updated", boss, "desk", changed, status=200, as_=root, ids=("desk",), json=body)
    await step("PATCH", path, None, status=200, as_=root, ids=("desk",), json=body)
    path, body = "/users/{user_id}/roles", {"roles": ["desk"]}
    changed = ("+desk", "-member")
    await step("PUT", path, "user.roles-set", boss, ada, changed, status=200, as_=root, ids=(ada,), json=body)
    await step("PUT", path, None, status=200, as_=root, ids=(ada,), json=body)
    changed = ("-sessions:*",)
    await step("DELETE", "/roles/{name}", "role.deleted", boss, "desk", changed, status=204, as_=root, ids=("desk",))
    body = {"email": "grace@example.com", "roles": ["admin", "member"]}
    changed = ("+admin", "+member")
    made = await step("POST", "/users", "user.created", boss, "new", changed, status=201, as_=root, json=body)
    grace = made.json()["id"]
    key = await api.key(root, "*")
    await walk.new()
    path, body = "/users/{user_id}", {"email": "g@example.com", "is_verified": True, "username": None}
    changed = ("email", "+is_verified")
    await step("PATCH", path, "user.updated", boss, grace, changed, status=200, key=key["key"], ids=(grace,), json=body)
    assert (await api.trail(root))[0]["api_key_id"] == key["id"]
    await step("PATCH", path, None, status=200, as_=root, ids=(grace,), json=body)
    body = {"is_active": False}
    changed = ("-is_active",)
    await step("PATCH", path, "user.updated", boss, grace, changed, status=200, as_=root, ids=(grace,), json=body)
    await step("DELETE", path, "user.deleted", boss, grace, status=204, as_=root, ids=(grace,))
    path = "/users/{user_id}/impersonate"
    await step("POST", path, "user.impersonated", boss, ada, status=200, as_=root, ids=(ada,), json={})
    path = "/users/{user_id}/sessions"
    await step("DELETE", path, "session.all-ended", boss, ada, status=204, as_=root, ids=(ada,))
    await step("DELETE", path, None, status=204, as_=root, ids=(ada,))
    me = await api.log_in("ada", ANOTHER_PASSWORD)
    await walk.new()
    await step("DELETE", "/users/me", "user.deleted", ada, ada, status=204, as_=me)

    document = (await api.call("GET", "//openapi.json")).json()["paths"]
    changing = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document.items()
        for method in methods.keys() & {"post", "put", "patch", "delete"}
    }
    assert changing - CHANGE_NOTHING <= walk.walked | OF_THINGS


async def test_every_change_of_members_things_leaves_exactly_one_entry(api: Api) -> None:
    boss_user, root = await api.admin()
    user, ada = await api.member("ada")
    boss, me = boss_user["id"], user["id"]
    walk = Walk(api, root)
    await walk.new()
    step = walk.step

    about = {"bio": "Numbers.", "website": None}
    await step("PATCH", "/users/me/profile", "profile.updated", me, me, ("bio",), status=200, as_=ada, json=about)
    await step("PATCH", "/users/me/profile", None, status=200, as_=ada, json=about)
    picture = {"file": ("me.png", a_picture(), "image/png")}
    for path, actor, tokens, ids in (
        ("/users/me/avatar", me, ada, ()),
        ("/users/{user_id}/avatar", boss, root, (me,)),
    ):
        await step("PUT", "/users/me/avatar", "avatar.replaced", me, me, status=200, as_=ada, files=picture)
        await step("DELETE", path, "avatar.removed", actor, me, status=204, as_=tokens, ids=ids)
        await step("DELETE", path, None, status=204, as_=tokens, ids=ids)
    path, about = "/users/{user_id}/profile", {"bio": None}
    await step("PATCH", path, "profile.updated", boss, me, ("bio",), status=200, as_=root, ids=(me,), json=about)

    text, title = {"title": "News", "content": "Much is new."}, {"title": "Old"}
    made = await step("POST", "/posts", "post.created", me, me, status=201, as_=ada, json=text)
    path, ids = "/posts/{post_id}", (made.json()["id"],)
    await step("PATCH", path, None, status=200, as_=ada, ids=ids, json=text)
    await step("PATCH", path, "post.updated", boss, me, ("title",), status=200, as_=root, ids=ids, json=title)
    publish = {"is_published": True}
    names = ("+is_published", "published_at")
    await step("PATCH", path, "post.published", me, me, names, status=200, as_=ada, ids=ids, json=publish)
    await step("DELETE", path, "post.deleted", boss, me, status=204, as_=root, ids=ids)

    mug = {"sku": "mug", "name": "Mug", "price": 1250, "currency": "EUR", "stock": 5}
    await step("POST", "/products", "product.created", boss, "mug", status=201, as_=root, json=mug)
    path, change = "/products/{sku}", {"price": 1300}
    await step(
        "PATCH", path, "product.updated", boss, "mug", ("price",), status=200, as_=root, ids=("mug",), json=change
    )
    await step("PATCH", path, None, status=200, as_=root, ids=("mug",), json=change)

    basket = {"lines": [{"sku": "mug", "quantity": 1}]}
    one, other, third = [
        (await step("POST", "/orders", "order.placed", me, me, status=201, as_=ada, json=basket)).json()["id"]
        for _ in range(3)
    ]
    path = "/orders/{order_id}/pay"
    await step("POST", path, "payment.started", me, me, item=one, status=202, as_=ada, ids=(one,), json={})
    await step("POST", path, "order.paid", boss, me, item=one, status=200, as_=root, ids=(one,), json={})
    path = "/orders/{order_id}/fulfil"
    await step("POST", path, "order.fulfilled", boss, me, item=one, status=200, as_=root, ids=(one,))
    path = "/orders/{order_id}/refund"
    await step("POST", path, "order.refunded", boss, me, item=one, status=200, as_=root, ids=(one,))
    path = "/orders/{order_id}/cancel"
    await step("POST", path, "order.cancelled", me, me, item=other, status=200, as_=ada, ids=(other,))
    payment = a_payment(await loaded(api, UUID(third)))
    async with api.application.orders.pay_order.transactions.begin() as uow:
        await uow.payments.add(payment)
    body, signature = a_notice(api.application, payment)
    headers = {"Moothall-Signature": signature}
    path, ids = "/payments/{gateway}/callback", ("sandbox",)
    paid: dict[str, Any] = {"status": 204, "ids": ids, "content": body, "more_headers": headers}
    await step("POST", path, "order.paid", "gateway:sandbox", me, item=third, **paid)
    await step("POST", path, None, **paid)
    await step("DELETE", "/products/{sku}", "product.deleted", boss, "mug", status=204, as_=root, ids=("mug",))

    message = {"user_id": me, "title": "Hello", "body": "World"}
    sent = await step("POST", "/notifications", "notification.sent", boss, me, status=201, as_=root, json=message)
    path, ids = "/notifications/{notification_id}/read", (sent.json()["id"],)
    await step("POST", path, None, status=200, as_=ada, ids=ids)
    await step("POST", "/notifications/read-all", None, status=204, as_=ada)
    news = {"title": "Hello", "body": "World"}
    await step("POST", "/notifications/broadcast", "broadcast.requested", boss, status=202, as_=root, json=news)
    table: dict[str, Any] = {"content": "email\nx@example.com\n", "more_headers": {"Content-Type": "text/csv"}}
    await step("POST", "/imports", "members.import-started", boss, fields=("reject",), status=202, as_=root, **table)
    path, action = "/notifications/preferences", "notification-preferences.changed"
    choice = {"broadcast": {"in_app": False}}
    await step("PATCH", path, action, me, me, ("broadcast",), status=200, as_=ada, json=choice)
    await step("PATCH", path, None, status=200, as_=ada, json=choice)

    room = {"name": "lounge", "title": "The lounge"}
    await step("POST", "/rooms", "room.created", boss, "lounge", status=201, as_=root, json=room)
    await step("DELETE", "/rooms/{name}", "room.deleted", boss, "lounge", status=204, as_=root, ids=("lounge",))
    await step("POST", "/live/tickets", None, status=200, as_=ada)
    hook = {"url": "https://192.0.66.1/hook", "events": ["order.*"]}
    created = await step("POST", "/webhooks", "webhook.created", boss, "new", status=201, as_=root, json=hook)
    made_id = created.json()["id"]
    path = "/webhooks/{webhook_id}"
    own: dict[str, Any] = {"as_": root, "ids": (made_id,)}
    change = {"events": ["*"]}
    await step("PATCH", path, "webhook.updated", boss, made_id, ("events",), status=200, json=change, **own)
    await step("PATCH", path, None, status=200, json=change, **own)
    await step("POST", f"{path}/secret", "webhook.secret-rotated", boss, made_id, status=200, **own)
    action, span = "webhook.replay-requested", {"since": "2026-11-21T09:00:00Z", "until": "2026-11-21T10:00:00Z"}
    await step("POST", f"{path}/deliveries/replay", action, boss, made_id, status=202, json=span, **own)
    told = a_webhook_delivery(UUID(made_id)).given_up(api.clock.now(), "No.")
    async with api.application.orders.pay_order.transactions.begin() as uow:
        await uow.webhook_deliveries.add([told])
    path, action = "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", "webhook.delivery-replayed"
    ids = (made_id, str(told.id))
    await step("POST", path, action, boss, made_id, item=ids[1], status=200, as_=root, ids=ids)
    await step("DELETE", "/webhooks/{webhook_id}", "webhook.deleted", boss, made_id, status=204, **own)
    assert walk.walked == OF_THINGS


async def loaded(api: Api, order_id: UUID) -> Order:
    async with api.application.orders.pay_order.transactions.begin() as uow:
        order = await uow.orders.get(order_id)
    assert order is not None
    return order


async def test_what_is_refused_or_only_read_leaves_no_entry(api: Api) -> None:
    boss, root = await api.admin()
    user, ada = await api.member("ada")
    key, foreign = (await api.key(ada))["key"], (await api.key(root))["id"]
    walk = Walk(api, root)
    await walk.new()
    step, path = walk.step, "/users/{user_id}"
    for url in ("/users/me", "/auth/sessions", "/api-keys", "/permissions", "/jobs"):
        await step("GET", url, None, status=200, as_=ada)
    for url in ("/users", "/roles", "/roles/admin", f"/users/{boss['id']}", f"/users/{boss['id']}/sessions", "/audit"):
        await step("GET", url, None, status=200, as_=root)
        await step("GET", url, None, status=403, as_=ada)
        await step("GET", url, None, status=401)
    wrong: dict[str, Any] = {"username": "ada", "password": "wrong"}
    await step("POST", "/auth/login", None, status=401, data=wrong)
    await step("POST", "/auth/token", None, status=400, data={**wrong, "grant_type": "password"})
    await step("POST", "/auth/refresh", None, status=401, json={"refresh_token": "x"})
    await step("POST", "/auth/revoke", None, status=200, data={"token": "x"})
    await step("POST", "/auth/introspect", None, status=200, as_=root, data={"token": ada.access_token})
    taken = {"email": "ada@example.com", "password": PASSWORD}
    await step("POST", "/auth/register", None, status=409, json=taken)
    await step("PATCH", "/users/me", None, status=422, as_=ada, json={"username": "a"})
    await step("PATCH", "/users/me", None, status=403, key=key, json={"first_name": "X"})
    wrong = {"current_password": "x", "new_password": ANOTHER_PASSWORD}
    await step("PUT", "/users/me/password", None, status=422, as_=ada, json=wrong)
    await step("POST", "/roles", None, status=403, as_=ada, json={"name": "x", "permissions": []})
    await step("POST", "/roles", None, status=409, as_=root, json={"name": "ADMIN", "permissions": []})
    await step("DELETE", "/roles/admin", None, status=409, as_=root)
    await step("PUT", f"/users/{boss['id']}/roles", None, status=409, as_=root, json={"roles": []})
    await step("DELETE", path, None, status=409, as_=root, ids=(boss["id"],))
    await step("DELETE", path, None, status=404, as_=root, ids=(str(uuid4()),))
    await step("DELETE", path, None, status=403, as_=ada, ids=(boss["id"],))
    await step("DELETE", f"/api-keys/{foreign}", None, status=404, as_=ada)
    await step("POST", "/api-keys", None, status=403, as_=ada, json={"name": "x", "permissions": ["*"]})
    await step("POST", f"/users/{boss['id']}/impersonate", None, status=409, as_=root, json={})
    await step("DELETE", f"/auth/sessions/{uuid4()}", None, status=404, as_=ada)
    waiting, lost, set_aside = a_job(api.clock.now()), failed(a_job(api.clock.now())), a_delivery(api.clock.now())
    await store(api.application, waiting, lost, set_aside)
    for url in (f"/jobs/{waiting.id}", "/outbox/failed"):
        await step("GET", url, None, status=200, as_=root)
    for job, verb, bad_verb in ((waiting, "cancel", "retry"), (lost, "retry", "cancel")):
        await step("POST", f"/jobs/{job.id}/{verb}", None, status=404, as_=ada)
        await step("POST", f"/jobs/{job.id}/{bad_verb}", None, status=409, as_=root)
    await step("POST", f"/outbox/failed/{set_aside.id}/retry", None, status=403, as_=ada)
    await step("POST", f"/outbox/failed/{lost.id}/retry", None, status=404, as_=root)
    for method, body in (("PATCH", {"first_name": "X"}), ("DELETE", None)):
        stale = {"If-Match": '"99"'}
        answer = await api.call(method, f"/users/{user['id']}", as_=root, json=body, headers=stale)
        assert answer.status_code == 412
    assert await walk.new() == []


# Reading it


async def test_filters_find_by_whom_what_and_when(api: Api) -> None:
    boss, root = await api.admin()
    user, _ = await api.member("ada")
    api.clock.advance(seconds=1)
    await api.call("POST", "/roles", as_=root, json={"name": "desk", "permissions": []})
    api.clock.advance(seconds=1)
    await api.call("PUT", f"/users/{user['id']}/roles", as_=root, json={"roles": ["desk"]})
    everything = await api.trail(root)
    assert [entry["at"] for entry in everything] == sorted((entry["at"] for entry in everything), reverse=True)
    given, made = everything[:2]
    assert await api.trail(root, action="user.roles-set") == [given]
    assert await api.trail(root, subject="desk") == [made]
    assert await api.trail(root, actor=boss["id"], subject=user["id"]) == [given]
    assert {entry["actor"] for entry in await api.trail(root, actor="cli:test")} == {"cli:test"}
    assert {entry["actor"] for entry in await api.trail(root, actor="anonymous")} == {"anonymous"}
    assert await api.trail(root, since=given["at"]) == [given]
    assert await api.trail(root, since=made["at"], until=given["at"]) == [made]
    assert await api.trail(root, until=made["at"]) == everything[2:]
    shifted = datetime.fromisoformat(given["at"]).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    assert await api.trail(root, since=shifted) == [given]
    later = datetime.fromisoformat(given["at"]) + timedelta(microseconds=1)
    for none in ({"since": later.isoformat()}, {"actor": "nobody"}, {"action": "user"}, {"subject": "DESK"}):
        assert await api.trail(root, **none) == []
    for none in ({"actor": "%"}, {"subject": "_"}, {"action": "user.%"}, {"actor": "a\0b"}, {"subject": "' OR 1=1 --"}):
        answer = await api.call("GET", "/audit", as_=root, params=none)
        assert answer.status_code == 422 or (answer.status_code, answer.json()["items"]) == (200, []), none


async def test_the_link_leads_through_the_whole_trail(api: Api) -> None:
    _, root = await api.admin()
    for number in range(7):
        api.clock.advance(seconds=number % 2)
        await api.call("POST", "/roles", as_=root, json={"name": f"role-{number}", "permissions": []})
    wanted = await api.trail(root, action="role.created")
    assert len(wanted) == 7
    seen: list[dict[str, Any]] = []
    url = "/audit?cursor=&page_size=2&action=role.created"
    while True:
        answer = await api.call("GET", url, as_=root)
        assert answer.json()["total"] is None
        seen += answer.json()["items"]
        if "link" not in answer.headers:
            break
        url = answer.headers["link"].removeprefix("</api/v1").partition(">")[0]
    assert seen == wanted
    counted = (await api.call("GET", url.partition("?")[0], as_=root, params={"page": 2, "page_size": 3})).json()
    assert (counted["page"], len(counted["items"])) == (2, 3)
    assert counted["total"] == len(await api.trail(root))


@pytest.mark.parametrize(
    "query",
    [
        {"request_id": "x"}, {"q": "x"}, {"sort": "at"}, {"since": "yesterday"}, {"since": "2026-01-01"},
        {"until": "2026-01-01T00:00:00"}, {"since": "1767225600"}, {"until": ""}, {"since": "2026-02-30T00:00:00Z"},
        {"actor": "x" * 201}, {"action": "x" * 201}, {"subject": "x" * 201}, {"cursor": "nonsense"},
        {"page_size": 101}, {"actor": ["a", "b"]},
    ],
)  # fmt: skip
async def test_a_bad_question_is_refused_where_it_stands(api: Api, query: dict[str, Any]) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", "/audit", as_=root, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in {f"/{name}" for name in query}


async def test_it_is_read_by_who_may_and_changed_by_nobody(api: Api) -> None:
    _, root = await api.admin()
    _, ada = await api.member("ada")
    _, auditor = await api.staff("auditor", "audit:read")
    [newest, *_] = await api.trail(auditor)
    answer = await api.call("GET", "/audit", as_=ada)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert (await api.call("GET", "/audit")).status_code == 401
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await api.call(method, "/audit", as_=root, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert (await api.call(method, f"/audit/{newest['id']}", as_=root, json={})).status_code == 404
    assert (await api.trail(root))[0] == newest


# What is never in it


async def test_no_secret_and_nothing_personal_is_ever_in_it(api: Api) -> None:
    """A member's life with words that are found nowhere else, and then its end."""
    boss, root = await api.admin()
    secret, another = "Sphinx-quartz-81-vowed", "Jackdaw-onyx-63-glimpsed"
    user = await api.register(
        "canary.mail@example.com", username="canary_user", first_name="Canaryfirst", last_name="Canarylast"
    )
    own = {"current_password": PASSWORD, "new_password": secret}
    pairs = [await api.log_in("canary_user")]
    await api.call("PUT", "/users/me/password", as_=pairs[0], json=own)
    pairs.append(await api.log_in("canary.mail@example.com", secret))
    for login, password in (("canary.typed@example.com", another), ("canary_user", another)):
        await api.call("POST", "/auth/login", data={"username": login, "password": password})
    pairs.append(_tokens(await api.refresh(pairs[-1].refresh_token)))
    key = await api.key(pairs[0], name="canary key name")
    agent = {"User-Agent": "canary agent"}
    await api.call("PATCH", "/users/me", as_=pairs[0], json={"first_name": "Canarynew"}, headers=agent)
    path = f"/users/{user['id']}"
    await api.call("PATCH", path, as_=root, json={"username": "canary_other", "last_name": "Canarynewer"})
    body = {"name": "desk", "description": "canary description", "permissions": ["users:read"]}
    await api.call("POST", "/roles", as_=root, json=body)
    await api.call("PATCH", "/roles/desk", as_=root, json={"description": "canary again"})
    await api.call("PUT", f"{path}/roles", as_=root, json={"roles": ["desk"]})
    token = (await api.call("POST", f"{path}/impersonate", as_=root, json={})).json()["access_token"]
    await api.call("POST", "/auth/revoke", data={"token": token})
    await api.call("PATCH", path, as_=root, json={"email": "canary.moved@example.com"})
    before = await api.trail(root)
    assert (await api.call("DELETE", path, as_=root)).status_code == 204
    deleted, *kept = await api.trail(root)
    assert (deleted["action"], deleted["subject"]) == ("user.deleted", user["id"])
    assert kept == before
    text = json.dumps([deleted, *kept]).lower()
    tokens = [part for pair in pairs for part in (pair.access_token, pair.refresh_token, pair.device_token) if part]
    for word in ("canary", "example.com", PASSWORD, secret, another, key["key"], key["prefix"], token, *tokens, "$2b$"):
        assert word.lower() not in text, word
    for entry in [deleted, *kept]:
        assert entry["actor"] in (boss["id"], user["id"], "anonymous", "cli:test", "moothall")
        assert entry["item"] is None or UUID(entry["item"])
        assert entry["subject"] in (boss["id"], user["id"], "desk") or entry["action"].startswith("signing-key.")
        assert set(entry["fields"]) <= {
            "email", "username", "first_name", "last_name", "password", "is_verified", "description", "+users:read",
            "+desk", "-member", "+admin", "+member",
        }  # fmt: skip

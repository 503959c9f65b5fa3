"""What the matrix is made of: the operations with their rules, the callers, and whose thing is asked for.

Operations come from the OpenAPI document; which rule each one is under is read off the use case that its route calls.
So a new route is in the matrix at once, or the matrix fails because it does not know how to call it.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI

from application.app import use_cases
from domain.access import actor as actors
from domain.access.actor import ANONYMOUS, Actor
from domain.access.permissions import covers_all
from domain.access.policy import ANYBODY, OWNER, RECENT_SIGN_IN, Rule, judge
from domain.identity.one_time_token import Purpose
from domain.orders.order import OrderStatus
from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD
from tests.pictures import a_picture

RULES = {name: kind.rule for name, kind in use_cases()}

RULES_OF_ROUTES_WITHOUT_USE_CASE = {
    "show_me": OWNER,  # it answers with what was read to find out who is calling
    "health": ANYBODY,
    "ready": ANYBODY,
    "metadata": ANYBODY,
}


class Whose(Enum):
    OWN = "own"
    OTHERS = "other's"
    MISSING = "missing"
    NOBODYS = "nobody's"
    """The operation names no thing."""


@dataclass
class World:
    """The people and things of one cell: ids as they go into paths, and what else a request needs."""

    caller_id: UUID
    sessions: dict[Whose, UUID]
    users: dict[Whose, UUID]
    api_keys: dict[Whose, UUID]
    roles: dict[Whose, str]
    jobs: dict[Whose, UUID]
    failed_jobs: dict[Whose, UUID]
    deliveries: dict[Whose, UUID]
    notifications: dict[Whose, UUID]
    """Set aside; they are nobody's."""
    orders: dict[Whose, UUID]
    products: dict[Whose, str]
    notice: tuple[bytes, str]
    """Of a payment of the other one's order, and its signature."""
    posts: dict[Whose, UUID]
    """Published."""
    rooms: dict[Whose, str]
    """Open to every member."""
    imports: dict[Whose, UUID]
    webhooks: dict[Whose, UUID]
    webhook_deliveries: dict[Whose, UUID]
    """Settled, of the webhook."""
    links: Mapping[Purpose, str]
    """Tokens of the other one's links."""
    refresh_token: str
    access_token: str
    headers: Mapping[str, str]

    def path(self, template: str, whose: Whose) -> str:
        things: dict[str, Mapping[Whose, object]] = {
            "user_id": self.users,
            "session_id": self.sessions,
            "key_id": self.api_keys,
            "name": self.rooms if "/rooms/" in template else self.roles,
            "job_id": self.failed_jobs if template.endswith("/retry") else self.jobs,
            "delivery_id": self.webhook_deliveries if "{webhook_id}" in template else self.deliveries,
            "webhook_id": self.webhooks,
            "import_id": self.imports,
            "order_id": self.orders,
            "sku": self.products,
            "gateway": {Whose.OTHERS: "sandbox", Whose.MISSING: "nowhere"},
            "notification_id": self.notifications,
            "post_id": self.posts,
        }
        for name, chosen in things.items():
            template = template.replace(f"{{{name}}}", str(chosen.get(whose, "")))
        return template


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    rule: Rule
    takes_strangers: bool = False
    """It wants to know who is calling, and lets strangers in."""

    @property
    def is_about_jobs(self) -> bool:
        return "{job_id}" in self.path or ("{delivery_id}" in self.path and not self.is_about_webhooks)

    @property
    def is_about_webhooks(self) -> bool:
        return "{webhook_id}" in self.path

    @property
    def is_about_imports(self) -> bool:
        return "{import_id}" in self.path

    @property
    def is_about_avatars(self) -> bool:
        return self.path.endswith("/avatar")

    @property
    def order_status(self) -> OrderStatus | None:
        """What an order has to be for this; None where it is not about orders."""
        if "{order_id}" not in self.path and "{gateway}" not in self.path:
            return None
        needs_money = self.name in ("fulfil_order", "refund_order")
        return OrderStatus.PAID if needs_money else OrderStatus.PLACED

    @property
    def is_about_links(self) -> bool:
        return self.name in LINKS

    @property
    def targets(self) -> tuple[Whose, ...]:
        if "{" not in self.path:
            return (Whose.NOBODYS,)
        is_nobodys = any(
            thing in self.path
            for thing in ("{name}", "{delivery_id}", "{sku}", "{gateway}", "{webhook_id}", "{import_id}")
        )
        return (Whose.OTHERS, Whose.MISSING) if is_nobodys else (Whose.OWN, Whose.OTHERS, Whose.MISSING)


@dataclass(frozen=True)
class Caller:
    """Somebody with a role of these permissions (None: no role of their own), and with what they come.

    `credential` is `token`, `key`, `impersonation`, `none`, or a kind of bad one. `granted` are the permissions of the
    key or of the impersonation.
    """

    name: str
    permissions: frozenset[str] | None = None
    credential: str = "token"
    granted: frozenset[str] = frozenset()
    signed_in_before: timedelta = timedelta()

    @property
    def is_nobody(self) -> bool:
        return self.credential not in ("token", "key", "impersonation")

    def actor(self, world: World, now: Any) -> Actor:
        """As the policy sees them."""
        held = self.permissions or frozenset()
        if self.is_nobody:
            return ANONYMOUS
        if self.credential == "key":
            return actors.api_key(uuid4(), world.caller_id, self.granted)
        signed_in_at = now - self.signed_in_before
        if self.credential == "impersonation":
            return actors.member(
                world.caller_id, self.granted, session_id=uuid4(), signed_in_at=signed_in_at, impersonator_id=uuid4()
            )
        return actors.member(world.caller_id, held, session_id=uuid4(), signed_in_at=signed_in_at)


def callers(rule: Rule) -> Iterator[Caller]:
    """Everybody who may come. For a rule with permissions, also who has exactly those, and who has all but those."""
    everything = frozenset(permission.name for other in RULES.values() for permission in other.permissions)
    exactly = frozenset(permission.name for permission in rule.permissions)
    yield Caller("anonymous", credential="none")
    for bad in ("garbage", "garbage key", "expired session", "ended session", "disabled account", "revoked key"):
        yield Caller(bad, credential=bad)
    yield Caller("member")
    yield Caller("member who signed in long ago", signed_in_before=RECENT_SIGN_IN + timedelta(seconds=1))
    yield Caller("admin", frozenset({"*"}))
    yield Caller("key of a member", credential="key")
    yield Caller("empty key of an admin", frozenset({"*"}), "key")
    yield Caller("key of an admin", frozenset({"*"}), "key", frozenset({"*"}))
    yield Caller("impersonated member", credential="impersonation")
    for pattern in sorted({permission.pattern for permission in rule.permissions}):
        yield Caller(f"role {pattern}", frozenset({pattern}))
    if exactly:
        lacking = everything - exactly
        yield Caller("who holds exactly that", exactly)
        yield Caller("who holds all but that", lacking)
        yield Caller("key of who holds exactly that", exactly, "key", exactly)
        yield Caller("empty key of who holds exactly that", exactly, "key")
        yield Caller("key for all but that", frozenset({"*"}), "key", lacking)
        yield Caller("impersonated holder, for that", exactly, "impersonation", exactly)
        yield Caller("impersonated holder, for nothing", exactly, "impersonation")


@dataclass(frozen=True)
class Request:
    """How to call an operation well: JSON, a form, a file in a form, bytes with their signature, or CSV."""

    json: Callable[[World], Any] | None = None
    form: Callable[[World], dict[str, str]] | None = None
    file: bytes | None = None
    signed: Callable[[World], tuple[bytes, str]] | None = None
    table: Callable[[World], str] | None = None
    entries: int = 1
    """What it adds to the audit trail where it is allowed."""

    def body(self, world: World) -> dict[str, Any]:
        if self.signed is not None:
            content, signature = self.signed(world)
            return {"content": content, "headers": {**world.headers, "Moothall-Signature": signature}}
        if self.table is not None:
            return {"content": self.table(world), "headers": {**world.headers, "Content-Type": "text/csv"}}
        return {**self._fields(world), "headers": dict(world.headers)}

    def _fields(self, world: World) -> dict[str, Any]:
        if self.json is not None:
            return {"json": self.json(world)}
        if self.file is not None:
            return {"files": {"file": ("picture.png", self.file, "image/png")}}
        return {"data": self.form(world)} if self.form is not None else {}


READ = Request(entries=0)
ASKING = Request(lambda _: {"email": f"{uuid4().hex}@example.com"}, entries=0)
LINKS: Mapping[str, Request] = {
    "verify_email": Request(lambda world: {"token": world.links[Purpose.VERIFY_EMAIL]}),
    "reset_password": Request(
        lambda world: {"token": world.links[Purpose.RESET_PASSWORD], "password": ANOTHER_PASSWORD}
    ),
    "accept_invitation": Request(
        lambda world: {"token": world.links[Purpose.INVITATION], "password": ANOTHER_PASSWORD}
    ),
}
REQUESTS: Mapping[str, Request] = {
    "show_me": READ,
    "export_me": READ,
    "change_me": Request(lambda _: {"first_name": "Changed"}),
    "delete_me": Request(),
    "change_password": Request(lambda _: {"current_password": PASSWORD, "new_password": "amber-harbour-17-kite"}),
    "list_users": READ,
    "export_users": Request(),
    "create_user": Request(lambda _: {"email": f"{uuid4().hex}@example.com"}),
    "show_user": READ,
    "update_user": Request(lambda _: {"first_name": "Changed"}),
    "delete_user": Request(),
    "set_roles": Request(lambda _: {"roles": ["member", "spare"]}),
    "impersonate": Request(lambda _: {}),
    "list_sessions_of": READ,
    "end_sessions_of": Request(),
    **LINKS,
    "request_verification": ASKING,
    "forgot_password": ASKING,
    "change_email": Request(lambda _: {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}),
    "send_password_reset": Request(),
    "invite_user": Request(lambda _: {"email": f"{uuid4().hex}@example.com"}),
    "register": Request(lambda _: {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}),
    "log_in": Request(
        form=lambda world: {"username": f"{world.users[Whose.OTHERS].hex}@example.com", "password": PASSWORD}
    ),
    "refresh": Request(lambda world: {"refresh_token": world.refresh_token}),
    "log_out": Request(),
    "list_my_sessions": READ,
    "end_my_other_sessions": Request(),
    "end_session": Request(),
    "list_api_keys": READ,
    "create_api_key": Request(lambda _: {"name": "report", "permissions": []}),
    "show_api_key": READ,
    "revoke_api_key": Request(),
    "list_permissions": READ,
    "list_roles": READ,
    "create_role": Request(lambda _: {"name": f"r{uuid4().hex}", "permissions": []}),
    "show_role": READ,
    "update_role": Request(lambda _: {"description": uuid4().hex}),
    "delete_role": Request(),
    "list_audit": READ,
    "list_jobs": READ,
    "show_job": READ,
    "cancel_job": Request(),
    "retry_job": Request(),
    "list_failed_deliveries": READ,
    "retry_delivery": Request(),
    "discard_delivery": Request(),
    "list_posts": READ,
    "list_posts_of": READ,
    "show_post": READ,
    "create_post": Request(lambda _: {"title": "On bees"}),
    "update_post": Request(lambda _: {"title": "On wasps"}),
    "delete_post": Request(),
    "token": Request(form=lambda world: {"grant_type": "refresh_token", "refresh_token": world.refresh_token}),
    "revoke": Request(form=lambda world: {"token": world.access_token}),
    "introspect": Request(form=lambda world: {"token": world.access_token}, entries=0),
    "published_keys": READ,
    "list_products": READ,
    "show_product": READ,
    "create_product": Request(lambda _: {"sku": uuid4().hex, "name": "Mug", "price": 1, "currency": "EUR"}),
    "update_product": Request(lambda _: {"price": 7}),
    "delete_product": Request(),
    "list_orders": READ,
    "show_order": READ,
    "place_order": Request(lambda world: {"lines": [{"sku": world.products[Whose.OTHERS], "quantity": 1}]}),
    "pay_order": Request(),
    "fulfil_order": Request(),
    "cancel_order": Request(),
    "refund_order": Request(),
    "take_payment_notice": Request(signed=lambda world: world.notice),
    "metadata": READ,
    "health": READ,
    "ready": READ,
    "show_my_profile": READ,
    "change_my_profile": Request(lambda _: {"bio": uuid4().hex}),
    "replace_my_avatar": Request(file=a_picture()),
    "remove_my_avatar": Request(),
    "start_import": Request(table=lambda _: f"email\n{uuid4().hex}@example.com\n"),
    "show_import": READ,
    "list_rejected_rows": READ,
    "show_profile": READ,
    "update_profile": Request(lambda _: {"bio": uuid4().hex}),
    "show_avatar": READ,
    "remove_avatar": Request(),
    "list_notifications": READ,
    "show_notification": READ,
    "read_notification": READ,
    "read_all_notifications": READ,
    "send_notification": Request(
        lambda world: {"user_id": str(world.users[Whose.OTHERS]), "title": "Hello", "body": "World"}
    ),
    "broadcast_notification": Request(lambda _: {"title": "Hello", "body": "World"}),
    "show_preferences": READ,
    "change_preferences": Request(lambda _: {"broadcast": {"in_app": False}}),
    "show_dashboard": READ,
    "live_events": READ,
    "list_rooms": READ,
    "show_room": READ,
    "create_room": Request(lambda _: {"name": f"r{uuid4().hex}", "title": "A room"}),
    "close_room": Request(),
    "open_ticket": READ,
    "list_webhooks": READ,
    "show_webhook": READ,
    "create_webhook": Request(lambda _: {"url": "https://192.0.66.1/hook", "events": ["*"]}),
    "update_webhook": Request(lambda _: {"description": uuid4().hex}),
    "delete_webhook": Request(),
    "rotate_webhook_secret": Request(),
    "list_webhook_deliveries": READ,
    "show_webhook_delivery": READ,
    "replay_webhook_delivery": Request(),
    "replay_webhook_deliveries": Request(lambda _: {"since": "2026-11-21T09:00:00Z", "until": "2026-11-21T10:00:00Z"}),
}

PRIVATE = {
    "end_session", "show_api_key", "revoke_api_key", "show_job", "cancel_job", "retry_job",
    "show_notification", "read_notification", "show_order", "pay_order", "cancel_order",
}  # fmt: skip
"""Where a stranger does not even learn that the thing exists."""

PUBLIC = {"update_post", "delete_post"}
"""Of things that everybody may know of: one that is missing is missing to all who have such things of their own."""

REACHING = {"update_user", "delete_user", "set_roles", "send_password_reset", "impersonate"}
"""What nobody does to somebody who may do more than they."""


@dataclass(frozen=True)
class Cell:
    operation: Operation
    caller: Caller
    whose: Whose

    def __str__(self) -> str:
        return f"{self.operation.name} · {self.caller.name} · {self.whose.value}"

    def expected(self, world: World, now: Any) -> int | None:
        """The status that the rule asks for; None where the caller is allowed, whatever that answers."""
        actor = self.caller.actor(world, now)
        if self.operation.takes_strangers and self.caller.is_nobody and self.caller.credential != "none":
            return 401
        owner = {Whose.OWN: world.caller_id, Whose.OTHERS: world.users[Whose.OTHERS]}.get(self.whose)
        if self.whose is Whose.NOBODYS:
            owner = actor.user_id
        refusal = judge(actor, self.operation.rule, owner=owner, now=now)
        is_hidden = self.operation.name in PRIVATE and self.whose is not Whose.OWN
        is_hidden |= self.operation.name in PUBLIC and self.whose is Whose.MISSING
        if refusal is not None and is_hidden and judge(actor, self.operation.rule, owner=actor.user_id) is None:
            return 404
        if refusal is not None:
            return 401 if refusal.code == "not-signed-in" else 403
        if self.whose is Whose.MISSING:
            return 404
        if self.operation.name in REACHING and self.whose is Whose.OWN:
            rights = self.caller.permissions or frozenset()
            if self.operation.name == "impersonate":
                return 409
            return None if covers_all(actor.permissions, rights) else 403
        if self.operation.name == "log_out" and self.caller.credential == "key":
            return 403
        return None


def operations(app: FastAPI) -> list[Operation]:
    """Every operation of the OpenAPI document, with the rule of the use case behind it."""
    endpoints = {route.name: route.endpoint for route in app.routes if hasattr(route, "endpoint")}
    return [
        Operation(
            described["operationId"],
            method.upper(),
            path,
            _rule(described["operationId"], endpoints),
            takes_strangers={} in described.get("security", ()),
        )
        for path, item in app.openapi()["paths"].items()
        for method, described in item.items()
    ]


def _rule(name: str, endpoints: Mapping[str, Any]) -> Rule:
    """Raises LookupError for a route of which nobody can tell who may call it."""
    if name in RULES_OF_ROUTES_WITHOUT_USE_CASE:
        return RULES_OF_ROUTES_WITHOUT_USE_CASE[name]
    tree = ast.parse(textwrap.dedent(inspect.getsource(endpoints[name])))
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("application.") and node.attr in RULES
    }
    rules = {RULES[use_case] for use_case in called}
    if len(rules) != 1:
        raise LookupError(f"The route {name} calls {sorted(called) or 'no use case'}: list it in {__name__}.")
    return rules.pop()


def cells(app: FastAPI) -> list[Cell]:
    return [
        Cell(operation, caller, whose)
        for operation in operations(app)
        for caller in callers(operation.rule)
        for whose in operation.targets
    ]

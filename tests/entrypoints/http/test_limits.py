"""The general limit, and those for registrations and mails."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute

from entrypoints.http.app import create_app
from entrypoints.http.security import Credentials, get_comer, get_stranger
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, PASSWORD, Api, token_in
from tests.limits import UNLIMITED, settings_with

NOT_COUNTED = {
    "health": "probes ask it all the time, and it costs nothing",
    "ready": "probes ask it all the time",
    "metrics": "Prometheus asks it all the time; it may want a token",
    "published_keys": "services that verify tokens ask it; it may be cached",
    "metadata": "a constant",
    "home_page": "a constant",
    "verification_page": "a constant",
    "reset_page": "a constant",
    "invitation_page": "a constant",
    "_document": "a constant, not served in production",
    "live_demo": "as _document",
    "swagger_ui": "as _document",
    "redoc": "as _document",
    "asset": "a file of the two",
}
"""Routes whose requests are not counted, and why."""

ASKED_AT_SIGN_IN = {"log_in", "token"}
"""Here a known device gets in beyond the limit."""


@pytest.fixture(params=["without Redis", "with Redis"])
def settings(request: pytest.FixtureRequest, store_name: str, tmp_path: Path) -> Settings:
    return settings_with(
        store_name,
        tmp_path,
        with_redis=request.param == "with Redis",
        rate_limit_register="3/day",
        rate_limit_mail="2/day",
    )


@asynccontextmanager
async def limited(limit: str, **settings: object) -> AsyncIterator[Api]:
    app = create_app(Settings(bcrypt_cost=4, **{**UNLIMITED, "rate_limit_default": limit, **settings}), in_memory=True)
    async with LifespanManager(app), client_of(app, "192.0.2.1") as client:
        yield Api(app, client, app.state.application.identity.log_in.clock)


def client_of(app: FastAPI, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


async def test_an_answer_tells_what_is_left() -> None:
    async with limited("100/day") as api:
        _, tokens = await api.member()
        first, second = await api.me(tokens), await api.me(tokens)
    assert first.headers["ratelimit-policy"] == '"default";q=100;w=86400'
    assert first.headers["ratelimit"].startswith('"default";r=99;t=')
    assert second.headers["ratelimit"].startswith('"default";r=98;t=')
    assert 0 < int(second.headers["ratelimit"].rpartition("=")[2]) <= 86400


async def test_beyond_it_the_answer_is_429() -> None:
    async with limited("3/day") as api:
        _, tokens = await api.member()
        assert [(await api.me(tokens)).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = await api.me(tokens)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too-many-requests"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit"].startswith('"default";r=0;t=')


async def test_each_caller_is_counted_apart() -> None:
    async with limited("4/day") as api:
        ada = (await api.member("ada"))[1]
        async with client_of(api.app, "192.0.2.2") as elsewhere:
            grace = (await Api(api.app, elsewhere, api.clock).member("grace"))[1]
        await api.give({"id": (await api.me(ada)).json()["id"]}, "admin", "member")
        key = {"X-API-Key": (await api.key(ada))["key"]}
        while (await api.me(ada)).status_code == 200:
            pass
        assert (await api.me(grace)).status_code == 200
        for _ in range(4):
            assert (await api.call("GET", "/users/me", headers=key)).status_code == 200
        assert (await api.call("GET", "/users/me", headers=key)).status_code == 429


async def test_bad_credentials_are_counted_by_address() -> None:
    async with limited("3/day") as api:
        tries = [{"Authorization": "Bearer nonsense"}, {"X-API-Key": "mh_nonsense"}, {}, {}]
        answers = [await api.call("GET", "/users/me", headers=headers) for headers in tries]
        assert [each.status_code for each in answers] == [401, 401, 401, 429]
        async with client_of(api.app, "192.0.2.2") as elsewhere:
            assert (await elsewhere.get("/api/v1/users/me")).status_code == 401


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.3", False),
    ],
)
async def test_of_an_ipv6_address_its_network_counts(one: str, other: str, same: bool) -> None:
    async with (
        limited("1/day") as api,
        client_of(api.app, one) as first,
        client_of(api.app, other) as second,
    ):
        assert (await first.get("/api/v1/users/me")).status_code == 401
        assert (await second.get("/api/v1/users/me")).status_code == (429 if same else 401)


async def test_beyond_the_general_limit_a_known_device_still_signs_in() -> None:
    async with limited("3/day") as api:
        await api.register()
        device = (await api.log_in()).device_token or ""
        form = {"username": "ada@example.com", "password": PASSWORD}
        token_form = {**form, "grant_type": "password"}
        await api.call("POST", "/auth/login", data=form)
        assert (await api.call("POST", "/auth/login", data=form)).json()["code"] == "too-many-requests"
        assert (await api.call("POST", "/auth/login", data={**form, "device_token": "x" * 64})).status_code == 429
        assert (await api.call("POST", "/auth/token", data=token_form)).status_code == 429
        await api.log_in(device_token=device)
        assert (await api.call("POST", "/auth/token", data={**token_form, "device_token": device})).status_code == 200


async def test_off_means_no_limit_and_no_headers() -> None:
    async with limited("off") as api:
        answer = await api.call("GET", "/users/me")
        assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)


async def test_pages_of_a_named_origin_may_read_the_headers() -> None:
    async with limited("1/day", cors_origins=["https://club.example"]) as api:
        answer = await api.call("GET", "/users/me", headers={"Origin": "https://club.example"})
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed


async def test_beyond_it_a_plain_page_is_a_page() -> None:
    async with limited("1/day") as api:
        answers = [await api.call("POST", "//reset-password", data={"email": "a@example.com"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 429]
    assert answers[1].headers["content-type"].startswith("text/html")
    assert int(answers[1].headers["retry-after"]) > 0


ROUTES = [route for route in create_app(Settings(), in_memory=True).routes if isinstance(route, APIRoute)]


def test_every_exception_is_a_route() -> None:
    assert NOT_COUNTED.keys() | ASKED_AT_SIGN_IN <= {route.name for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.name} {min(route.methods)}")
async def test_every_route_counts_its_callers(route: APIRoute) -> None:
    counting = {id(each) for each in _called(route.dependant) if _counts(each)}
    assert len(counting) == (0 if route.name in NOT_COUNTED else 1), (
        "let the route depend on Stranger, SignedIn or TheCaller, or give a reason in NOT_COUNTED"
    )


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.name not in NOT_COUNTED.keys() | ASKED_AT_SIGN_IN],
    ids=lambda route: f"{route.name} {min(route.methods)}",
)
async def test_every_route_refuses_who_comes_too_often(route: APIRoute) -> None:
    """With a body that is read, but not good: it is counted all the same."""
    path = route.path.format_map({name: UUID(int=0) for name in route.param_convertors})
    body = route.body_field
    is_form = body is not None and isinstance(body.field_info, Form)
    sent = {"data": {"x": "y"}} if body is None or is_form else {"json": {}}
    async with limited("1/day") as api:
        method = min(route.methods)
        rest = sent if method in ("POST", "PUT", "PATCH") else {}
        answers = [await api.http.request(method, path, **rest) for _ in range(2)]
    assert answers[0].status_code != 429
    assert answers[0].headers["ratelimit"].startswith('"default";r=0')
    assert answers[1].status_code == 429


def _called(dependant: Dependant) -> Iterator[object]:
    for below in dependant.dependencies:
        yield below.call
        yield from _called(below)


def _counts(call: object) -> bool:
    return call in (get_stranger, get_comer) or isinstance(call, Credentials)


async def test_registrations_are_counted_by_address(api: Api) -> None:
    for n in range(2):
        await api.register(f"m{n}@example.com")
    weak = {"email": "weak@example.com", "password": "short"}
    assert (await api.call("POST", "/auth/register", json=weak)).status_code == 422
    taken = {"email": "m0@example.com", "password": PASSWORD}
    assert (await api.call("POST", "/auth/register", json=taken)).status_code == 409
    third = {"email": "m3@example.com", "password": PASSWORD}
    refused = await api.call("POST", "/auth/register", json=third)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-registrations")
    assert int(refused.headers["retry-after"]) > 0
    async with client_of(api.app, "192.0.2.9") as elsewhere:
        assert (await elsewhere.post("/api/v1/auth/register", json=third)).status_code == 201


@pytest.mark.parametrize("path", ["/auth/forgot-password", "/auth/verify-email/request"])
async def test_asking_for_mails_is_counted_whether_or_not_there_is_an_account(api: Api, path: str) -> None:
    await api.register()
    for email in ("ada@example.com", "nobody@example.com"):
        answers = [await api.call("POST", path, json={"email": each}) for each in (email, email.upper(), email)]
        assert [each.status_code for each in answers] == [202, 202, 429]
        assert answers[-1].json()["code"] == "too-many-mails"
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_link_that_was_mailed_last_stays_good(api: Api) -> None:
    await api.register()
    await api.mails()
    for _ in range(20):
        await api.call("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    mails = await api.mails()
    assert 1 <= len(mails) <= 2  # of two links at once only the latest is worth a mail
    reset = {"token": token_in(mails[-1]), "password": "copper-meadow-63-tide"}
    assert (await api.call("POST", "/auth/reset-password", json=reset)).status_code == 204


async def test_kinds_of_mail_are_counted_apart(api: Api) -> None:
    for path in ("/auth/forgot-password", "/auth/verify-email/request") * 2:
        assert (await api.call("POST", path, json={"email": "ada@example.com"})).status_code == 202


async def test_a_change_of_address_is_counted_for_the_new_one(api: Api) -> None:
    _, tokens = await api.member()
    body = {"email": "new@example.com", "password": PASSWORD}
    answers = [await api.call("POST", "/users/me/email", as_=tokens, json=body) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    another = {**body, "email": "another@example.com"}
    assert (await api.call("POST", "/users/me/email", as_=tokens, json=another)).status_code == 202


async def test_mails_that_administrators_have_sent_are_counted_too(api: Api) -> None:
    _, root = await api.admin()
    ada = await api.register()
    reset = [await api.call("POST", f"/users/{ada['id']}/password-reset", as_=root) for _ in range(3)]
    assert [each.status_code for each in reset] == [202, 202, 429]
    invitation = {"email": "grace@example.com"}
    invited = [await api.call("POST", "/users/invite", as_=root, json=invitation) for _ in range(3)]
    assert [each.status_code for each in invited] == [202, 202, 429]


async def test_whoever_runs_commands_on_the_server_is_not_limited(api: Api) -> None:
    ada = await api.register()
    for _ in range(5):
        await api.application.identity.send_password_reset(OPERATOR, user_id=UUID(ada["id"]))
        await api.application.identity.invite_user(OPERATOR, email="grace@example.com")

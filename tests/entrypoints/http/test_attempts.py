"""How often a password may be tried: on every store, with and without Redis (S1, S3, S4)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api
from tests.limits import settings_with

LIMIT = 5
WRONG = "not-the-right-one-11"


@pytest.fixture(params=["without Redis", "with Redis"])
def settings(request: pytest.FixtureRequest, store_name: str, tmp_path: Path) -> Settings:
    return settings_with(
        store_name, tmp_path, with_redis=request.param == "with Redis", rate_limit_login=f"{LIMIT}/day"
    )


@pytest.fixture
async def others(api: Api) -> AsyncIterator[Api]:
    """The same server, asked from another address."""
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(api.app, client, api.clock)


async def attempt(api: Api, login: str = "ada@example.com", password: str = WRONG, **fields: str) -> httpx.Response:
    return await api.call("POST", "/auth/login", data={"username": login, "password": password, **fields})


async def statuses(*attempts: Awaitable[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in await asyncio.gather(*attempts))


async def test_of_50_wrong_passwords_at_once_5_are_compared(api: Api, hashes: list[str]) -> None:
    await api.register()
    hashes.clear()
    assert await statuses(*(attempt(api) for _ in range(50))) == [401] * LIMIT + [429] * 45
    assert len(hashes) == LIMIT


async def test_20_right_passwords_at_once_are_20_sessions(api: Api) -> None:
    await api.register()
    assert await statuses(*(attempt(api, password=PASSWORD) for _ in range(20))) == [200] * 20


async def test_right_ones_among_wrong_ones_make_no_room_for_more_wrong_ones(api: Api, hashes: list[str]) -> None:
    await api.register()
    hashes.clear()
    answers = await statuses(*(attempt(api, password=PASSWORD if n % 3 == 0 else WRONG) for n in range(40)))
    assert answers.count(401) <= LIMIT
    assert len(hashes) == answers.count(401) + answers.count(200)


async def test_whether_there_is_such_an_account_makes_no_difference(api: Api, others: Api) -> None:
    await api.register()

    async def told(from_: Api, login: str) -> list[tuple[int, object, object]]:
        answers = [await attempt(from_, login) for _ in range(LIMIT + 2)]
        return [(a.status_code, a.json()["code"], a.headers.get("retry-after") is not None) for a in answers]

    known = await told(api, "ada@example.com")
    assert known == await told(others, "nobody@example.com")
    assert [code for _, code, _ in known] == ["bad-credentials"] * LIMIT + ["too-many-attempts"] * 2


async def test_a_name_is_one_however_it_is_written(api: Api, others: Api) -> None:
    await api.register()
    for login in ("ada@example.com", "Ada@Example.com", "ａda@example.com", "ADA@EXAMPLE.COM", "ada@example.COM"):
        assert (await attempt(api, login)).status_code == 401
    assert (await attempt(others, "ada@example.com")).status_code == 429


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_whether_two_names_are_one_accounts_is_not_told(api: Api, others: Api, name: str) -> None:
    await api.register(username="ada")
    for _ in range(LIMIT):
        await attempt(api, f"{name}@example.com")
    assert (await attempt(others, name)).status_code == 401


async def test_an_id_is_no_name(api: Api, others: Api) -> None:
    user = await api.register()
    for _ in range(LIMIT):
        await attempt(api, user["id"])
    assert (await attempt(others, password=PASSWORD)).status_code == 200


async def test_an_account_is_counted_whatever_the_address(api: Api, others: Api) -> None:
    await api.register()
    for _ in range(LIMIT):
        await attempt(api)
    refused = await attempt(others, password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-attempts")
    assert int(refused.headers["retry-after"]) > 0


async def test_an_address_is_counted_whatever_the_account(api: Api, others: Api) -> None:
    await api.register()
    for n in range(LIMIT):
        assert (await attempt(api, f"nobody{n}@example.com")).status_code == 401
    assert (await attempt(api, password=PASSWORD)).status_code == 429
    assert (await attempt(others, password=PASSWORD)).status_code == 200


async def test_after_1000_failures_by_a_stranger_the_known_device_gets_in(api: Api, others: Api) -> None:
    await api.register()
    device = (await api.log_in()).device_token or ""
    for _ in range(20):
        await asyncio.gather(*(attempt(api) for _ in range(50)))
    assert (await attempt(api, password=PASSWORD)).status_code == 429
    assert (await attempt(others, password=PASSWORD)).status_code == 429
    assert (await attempt(api, password=PASSWORD, device_token=device)).status_code == 200
    assert (await attempt(others, password=PASSWORD, device_token=device)).status_code == 200


async def test_a_known_device_has_a_limit_too_which_keeps_no_other_out(api: Api) -> None:
    await api.register()
    device, other_device = [(await api.log_in()).device_token or "" for _ in range(2)]
    answers = [(await attempt(api, device_token=device)).status_code for _ in range(LIMIT + 1)]
    assert answers == [401] * LIMIT + [429]
    assert (await attempt(api, password=PASSWORD, device_token=other_device)).status_code == 200
    assert (await attempt(api, password=PASSWORD)).status_code == 200


async def test_a_device_of_somebody_else_is_no_known_one(api: Api) -> None:
    await api.register()
    await api.register("eve@example.com")
    device = (await api.log_in("eve@example.com")).device_token or ""
    for _ in range(LIMIT):
        await attempt(api)
    assert (await attempt(api, password=PASSWORD, device_token=device)).status_code == 429


async def test_the_token_endpoint_counts_the_same_attempts(api: Api) -> None:
    await api.register()
    form = {"grant_type": "password", "username": "ada@example.com", "password": WRONG}
    for _ in range(LIMIT):
        assert (await api.call("POST", "/auth/token", data=form)).status_code == 400
    refused = await api.call("POST", "/auth/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert (await attempt(api, password=PASSWORD)).status_code == 429


async def test_wrong_current_passwords_are_counted_for_the_account(api: Api) -> None:
    _, tokens = await api.member()
    for n in range(LIMIT):
        path, body = (
            ("/users/me/password", {"current_password": WRONG, "new_password": ANOTHER_PASSWORD})
            if n % 2
            else ("/users/me/email", {"email": "ada@example.org", "password": WRONG})
        )
        answer = await api.call("PUT" if n % 2 else "POST", path, as_=tokens, json=body)
        assert answer.json()["code"] == "wrong-password"
    change = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    refused = await api.call("PUT", "/users/me/password", as_=tokens, json=change)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-attempts")
    move = {"email": "ada@example.org", "password": PASSWORD}
    assert (await api.call("POST", "/users/me/email", as_=tokens, json=move)).status_code == 429


async def test_strangers_attempts_do_not_keep_a_member_from_changing_the_password(api: Api) -> None:
    _, tokens = await api.member()
    for _ in range(LIMIT + 1):
        await attempt(api)
    change = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    assert (await api.call("PUT", "/users/me/password", as_=tokens, json=change)).status_code == 204


async def test_an_attempt_that_was_never_compared_does_not_count(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.register()
    monkeypatch.setattr(api.application.identity.log_in.hasher, "_most_pending", 0)
    assert set(await statuses(*(attempt(api) for _ in range(LIMIT * 3)))) == {503}
    monkeypatch.undo()
    assert (await attempt(api, password=PASSWORD)).status_code == 200


@pytest.mark.parametrize("store_name", ["sqlite", "postgresql"])
async def test_two_servers_count_together_where_there_is_redis(api: Api, settings: Settings, hashes: list[str]) -> None:
    await api.register()
    hashes.clear()
    app = create_app(settings, clock=api.clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        other = Api(app, client, api.clock)
        assert await statuses(*(attempt(one, password=PASSWORD) for one in (api, other) * 10)) == [200] * 20
        hashes.clear()
        answers = await statuses(*(attempt(one) for one in (api, other) * 25))
    servers = 1 if settings.redis_url else 2
    assert answers == [401] * LIMIT * servers + [429] * (50 - LIMIT * servers)
    assert len(hashes) == LIMIT * servers

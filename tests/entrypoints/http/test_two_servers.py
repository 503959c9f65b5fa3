"""Two servers on one database: what one does, the other knows at its next request (S12, S15, S16)."""

from collections.abc import AsyncIterator

import httpx
import pytest
from asgi_lifespan import LifespanManager

from domain.access.actor import ANONYMOUS
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, PASSWORD, Api, Tokens

pytestmark = pytest.mark.parametrize("store_name", ["sqlite", "postgresql"])


@pytest.fixture
async def other(api: Api, settings: Settings) -> AsyncIterator[Api]:
    app = create_app(settings, clock=api.clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(app, client, api.clock)


async def test_a_session_works_on_both_and_its_end_counts_on_both(api: Api, other: Api) -> None:
    await api.register()
    for _ in range(10):
        tokens = await api.log_in()
        assert (await other.me(tokens)).status_code == 200
        await api.call("POST", "/auth/logout", as_=tokens)
        assert (await other.me(tokens)).status_code == 401
        assert (await other.refresh(tokens.refresh_token)).status_code == 401


async def test_a_demotion_on_one_counts_on_the_other(api: Api, other: Api) -> None:
    _, root = await api.admin()
    spare = await api.register("spare@example.com", username="spare")
    await other.call("PUT", f"/users/{spare['id']}/roles", as_=root, json={"roles": ["admin"]})
    demoted = await api.log_in("spare")
    assert (await api.call("GET", "/users", as_=demoted)).status_code == 200
    await other.call("PUT", f"/users/{spare['id']}/roles", as_=root, json={"roles": []})
    assert (await api.call("GET", "/users", as_=demoted)).status_code == 403


async def test_the_parent_gets_the_same_child_from_either(api: Api, other: Api) -> None:
    await api.register()
    parent = (await api.log_in()).refresh_token
    child = (await api.refresh(parent)).json()["refresh_token"]
    assert (await other.refresh(parent)).json()["refresh_token"] == child
    api.clock.advance(seconds=11)
    assert (await other.refresh(parent)).status_code == 401
    assert (await api.refresh(child)).status_code == 401


async def test_a_key_that_one_has_just_made_is_known_to_the_other_at_once(api: Api, other: Api) -> None:
    await api.register()
    assert (await api.me(await api.log_in())).status_code == 200
    await other.application.identity.rotate_signing_keys(OPERATOR)
    pair = await other.application.identity.log_in(ANONYMOUS, login="ada@example.com", password=PASSWORD)
    assert (await api.me(Tokens(pair.access_token, ""))).status_code == 200


async def test_both_start_with_one_signing_key(api: Api, other: Api) -> None:
    for server in (api, other):
        assert len((await server.call("GET", "//.well-known/jwks.json")).json()["keys"]) == 1

"""A new secret while the service has members: nobody notices, as long as the previous one is known (S15)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import jwt
import pytest
from asgi_lifespan import LifespanManager
from pydantic import SecretStr

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import PASSWORD, Api, Tokens

OLD, NEW = SecretStr("q8Vt2mZx9LwRk4Yp7NbHs3DfJc6GvTaE"), SecretStr("Tn5Wb8Xc1Qe4Rz7Uy2Io6Pa9Sd3Fg0Hj")

pytestmark = pytest.mark.parametrize("store_name", ["sqlite", "postgresql"])


@asynccontextmanager
async def running(settings: Settings, current: SecretStr, previous: SecretStr | None = None) -> AsyncIterator[Api]:
    app = create_app(settings.model_copy(update={"secret_key": current, "secret_key_previous": previous}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(app, client, OwnClock())


async def test_nobody_is_logged_out_by_a_new_secret_while_the_previous_one_is_known(settings: Settings) -> None:
    async with running(settings, OLD) as before:
        await before.register()
        tokens = await before.log_in()
    async with running(settings, NEW, OLD) as between:
        assert (await between.me(tokens)).status_code == 200
        again = (await between.refresh(tokens.refresh_token)).json()
        assert (await between.me(Tokens(again["access_token"], ""))).status_code == 200
        await between.log_in(device_token=tokens.device_token or "")
    async with running(settings, NEW) as after:
        await after.log_in()
        assert (await after.refresh(again["refresh_token"])).status_code == 401


async def test_without_the_previous_secret_a_new_key_signs_and_old_passwords_are_refused(settings: Settings) -> None:
    async with running(settings, OLD) as before:
        await before.register()
        tokens = await before.log_in()
    async with running(settings, NEW) as after:
        form = {"username": "ada@example.com", "password": PASSWORD}
        assert (await after.call("POST", "/auth/login", data=form)).status_code == 401
        await after.register("eve@example.com")
        fresh = await after.log_in("eve@example.com")
        kids = [jwt.get_unverified_header(pair.access_token)["kid"] for pair in (tokens, fresh)]
        assert kids[0] != kids[1]
        assert (await after.me(fresh)).status_code == 200

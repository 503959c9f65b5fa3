"""Another process has the embedded database for itself: whoever only reads goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
from asgi_lifespan import LifespanManager

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api
from tests.limits import UNLIMITED


async def test_reading_with_an_api_key_needs_no_writing(tmp_path: Path) -> None:
    """That the key was used is noted the next time."""
    clock = OwnClock()
    app = create_app(Settings(bcrypt_cost=4, data_dir=tmp_path, db_timeout=0.2, **UNLIMITED), clock=clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        api = Api(app, client, clock)
        _, ada = await api.member("ada")
        key = await api.key(ada)
        with closing(sqlite3.connect(tmp_path / "moothall.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await api.call("GET", "/users/me", headers={"X-API-Key": key["key"]})).status_code == 200
            assert (await api.call("GET", "/api-keys", as_=ada)).json()["items"][0]["last_used_at"] is None
            other.execute("ROLLBACK")
        assert (await api.call("GET", "/users/me", headers={"X-API-Key": key["key"]})).status_code == 200
        assert (await api.call("GET", "/api-keys", as_=ada)).json()["items"][0]["last_used_at"] is not None

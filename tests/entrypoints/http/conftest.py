"""The API in process, on each store; what is to be done in the background waits until a test drains it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager

from adapters.mail import MemoryMailer
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api
from tests.stores import STORES, database_url


@pytest.fixture(params=STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def settings(store_name: str, tmp_path: Path) -> Settings:
    """As a tester would set it: cheap hashes, the cleaned database of that kind."""
    return Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=database_url(store_name, tmp_path))


@pytest.fixture
async def api(store_name: str, settings: Settings) -> AsyncIterator[Api]:
    clock, mailer = OwnClock(), MemoryMailer()
    app = create_app(settings, in_memory=store_name == "memory", clock=clock, mailer=mailer, jobs=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver", headers={"User-Agent": "tests"}) as client,
    ):
        yield Api(app, client, clock, mailer)

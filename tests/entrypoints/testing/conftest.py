"""A house, as testers have it, and the server in memory, in process."""

from collections.abc import AsyncIterator

import httpx
import pytest
from asgi_lifespan import LifespanManager

from domain.access.actor import operator
from entrypoints.http.app import create_app
from entrypoints.testing.house import GivenSettings, House, open_house
from entrypoints.testing.testbed import Testbed
from tests.limits import UNLIMITED

SETTINGS = GivenSettings(**UNLIMITED, webhooks_to_loopback=True)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(SETTINGS) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Of a server in memory whose workers work, and in which Ada is a member from the beginning."""

    async def furnish(house: House) -> None:
        await house.make_user("ada@example.com", username="ada")
        await house.drain()
        house.sent.clear()

    app = create_app(SETTINGS, in_memory=True, testbed=Testbed(SETTINGS, furnish))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


OPERATOR = operator("test")

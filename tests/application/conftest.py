"""What tests of the live channel share."""

import pytest

from domain.access.actor import Actor
from tests.application.live_house import House


@pytest.fixture
async def house() -> House:
    return House()


@pytest.fixture
async def ada(house: House) -> Actor:
    await house.rooms("lobby")
    return await house.member()

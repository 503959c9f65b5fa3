"""What several parts of the contract suite start from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stores import POSTGRESQL, SQLITE, Store, open_store


@pytest.fixture(params=[SQLITE, POSTGRESQL])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that can be opened twice."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened

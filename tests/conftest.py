"""The stores: every test that asks for `store` runs on each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.pool import QueuePool

from tests.stores import STORES, Store, open_store


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Clean at the start; at the end no connection may be left checked out."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened
        if opened.engine is not None:
            assert isinstance(opened.engine.pool, QueuePool)
            assert opened.engine.pool.checkedout() == 0

"""The stores: every test that asks for `store` runs on each of them. And a password in the log, which none may see."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.pool import QueuePool

from entrypoints.logs import TextLines
from tests.canaries import OF_THE_SUITE, found_in
from tests.compiling import share_compilations
from tests.stores import STORES, Store, open_store

share_compilations()


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Clean at the start; at the end no connection may be left checked out."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened
        if opened.engine is not None:
            assert isinstance(opened.engine.pool, QueuePool)
            assert opened.engine.pool.checkedout() == 0


class _Watcher(logging.Handler):
    """Keeps the lines that say a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(TextLines())
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if found_in(line, OF_THE_SUITE):
            self.found.append(line)


@pytest.fixture(autouse=True)
def no_password_is_logged() -> Iterator[None]:
    """S40, through the whole suite; of servers in processes of their own, tests/project/server.py looks at the log."""
    watcher = _Watcher()
    logging.getLogger().addHandler(watcher)
    yield
    logging.getLogger().removeHandler(watcher)
    assert watcher.found == []

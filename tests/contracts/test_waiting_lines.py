"""Whoever waits for the database: in order, and not too many."""

import asyncio
import time

import pytest
from sqlalchemy import select

from adapters.sql import Database, Reader, SqlConnections, SqlTransactions, create_engine
from adapters.sql.turns import WAITING_FOR_EACH, Turns
from application.ports import Usage
from domain.errors import Unavailable
from tests.services import postgres_url

PATIENCE = 20.0


async def _waiting(turns: Turns, order: list[int], n: int) -> None:
    await turns.take()
    order.append(n)
    turns.give_back()


async def test_turns_are_taken_in_order_and_a_line_that_is_too_long_is_refused_at_once() -> None:
    turns, order = Turns(1, timeout=PATIENCE), list[int]()
    await turns.take()
    line = [asyncio.create_task(_waiting(turns, order, n)) for n in range(WAITING_FOR_EACH)]
    await asyncio.sleep(0)
    assert turns.waiting == WAITING_FOR_EACH
    with pytest.raises(Unavailable):
        async with asyncio.timeout(PATIENCE / 2):
            await turns.take()
    turns.give_back()
    await asyncio.gather(*line)
    assert order == list(range(WAITING_FOR_EACH))
    assert turns.waiting == 0


async def test_who_waits_too_long_or_gives_up_leaves_the_line() -> None:
    turns = Turns(1, timeout=0.05)
    await turns.take()
    with pytest.raises(Unavailable):
        await turns.take()
    gone = asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert turns.waiting == 0
    turns.give_back()
    await turns.take()


async def test_a_line_for_connections_that_is_too_long_is_refused_at_once() -> None:
    engine = create_engine(Database(postgres_url(), pool_size=1, max_overflow=1, timeout=PATIENCE))
    reader = Reader(engine)
    connections = SqlConnections(engine, reader, SqlTransactions(engine))
    assert connections.usage() == Usage(2, 0, 0)
    try:
        async with engine.connect(), engine.connect():
            line = [asyncio.create_task(reader.search(select(1), {})) for _ in range(2 * WAITING_FOR_EACH)]
            await asyncio.sleep(0)
            assert connections.usage() == Usage(2, 2, len(line))
            began = time.monotonic()
            with pytest.raises(Unavailable) as refused:
                await reader.search(select(1), {})
            assert time.monotonic() - began < PATIENCE  # it did not wait
            assert refused.value.code == "database-unavailable"
        assert len(await asyncio.gather(*line)) == len(line)
        assert connections.usage() == Usage(2, 0, 0)
    finally:
        await engine.dispose()

"""The parts of a dashboard: read at the same time, each on its own."""

import asyncio
import logging
from typing import Any

import pytest

from application.dashboard import read_parts
from domain.errors import NotFound, Unavailable


async def good() -> int:
    return 1


async def test_parts_are_read_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    async def part() -> int:
        await meeting.wait()
        return 1

    assert await read_parts(dict.fromkeys("abc", part), within=5) == ({"a": 1, "b": 1, "c": 1}, {})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable("database-unavailable", "Away."), "database-unavailable"),
        (NotFound("user-not-found", "Gone."), "user-not-found"),
        (ZeroDivisionError(), "internal-error"),
    ],
)
async def test_a_part_that_fails_is_missing_and_the_rest_is_there(
    error: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def bad() -> Any:
        raise error

    with caplog.at_level(logging.WARNING, "moothall.dashboard"):
        assert await read_parts({"good": good, "bad": bad}) == ({"good": 1, "bad": None}, {"bad": reason})
    assert "without bad" in caplog.text


async def test_a_part_that_is_slow_is_cancelled_and_missing() -> None:
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    found, missing = await read_parts({"good": good, "slow": slow}, within=0.05)
    assert (found, missing) == ({"good": 1, "slow": None}, {"slow": "timeout"})
    assert cancelled.is_set()


async def test_who_asks_is_told_where_nothing_can_be_read() -> None:
    async def bad() -> None:
        raise Unavailable("database-unavailable", "Away.")

    with pytest.raises(Unavailable):
        await read_parts({"a": bad, "b": bad})


async def test_who_is_cancelled_cancels_every_part() -> None:
    began, ended = [], []

    async def slow() -> None:
        began.append(1)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    reading = asyncio.create_task(read_parts({"a": slow, "b": slow}, within=60))
    while len(began) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert len(ended) == 2

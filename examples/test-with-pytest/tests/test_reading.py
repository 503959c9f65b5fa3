"""Readers stay signed in, and read page by page."""

import asyncio

import newsletter
import pytest

PASSWORD = "copper-meadow-63-tide"


@pytest.fixture
def reader(moothall):
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    return newsletter.Reader(moothall.client, "ada@example.com", PASSWORD)


def test_a_reader_is_still_signed_in_after_a_week(reader, clock):
    for _ in range(7):
        assert reader.me()["email"] == "ada@example.com"
        clock.advance(24 * 3600)


def test_not_for_ever(reader, clock):
    reader.me()
    clock.advance(31 * 24 * 3600)
    with pytest.raises(newsletter.Refused) as refused:
        reader.me()
    assert refused.value.code == "bad-refresh-token"


@pytest.mark.asyncio
async def test_everything_is_read_the_newest_first(moothall, token_for, clock):
    grace = token_for(moothall.make_user("grace@example.com"))
    for number in range(45):
        clock.advance(10)
        newsletter.publish(moothall.client, grace, f"Issue {number}", "")
    assert await newsletter.titles(moothall.async_client) == [f"Issue {number}" for number in reversed(range(45))]


@pytest.mark.asyncio
async def test_what_is_due_is_done_without_holding_up_the_loop(moothall, drain):
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    assert await asyncio.to_thread(drain) > 0

"""Streams: whoever follows is told everything once and in order, whatever is heard late, twice, or not at all."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.live.outgoing import Outgoing
from application.live.streams import A_FEW, PORTION, Item, Stream
from domain.errors import Unavailable


class Numbers(Stream):
    """A stream of a store that is a list; reading takes a turn of the loop."""

    def __init__(self) -> None:
        super().__init__(self._later)
        self.stored: list[int] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.error: Exception | None = None

    async def latest(self) -> int:
        await asyncio.sleep(0)
        return self.stored[-1] if self.stored else 0

    async def read(self, after: int, limit: int) -> Sequence[Item]:
        found = [Item(number, {}) for number in self.stored if number > after][:limit]
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return found

    def outgoing(self, item: Item) -> Outgoing:
        return Outgoing("message", number=item.number)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def settled(self) -> None:
        while self.tasks:
            await asyncio.gather(*self.tasks)


class Client:
    def __init__(self) -> None:
        self.told: list[int] = []

    def __call__(self, outgoing: Outgoing) -> None:
        self.told.append(outgoing.message["number"])

    async def drained(self) -> None:
        await asyncio.sleep(0)


async def followed(stream: Stream, after: int) -> Client:
    client = Client()
    await stream.replay(client, after, client.drained)
    return client


def commit(stream: Numbers, number: int, *, heard: bool = True) -> None:
    stream.stored.append(number)
    if heard:
        stream.hear(number, {})


async def test_what_was_committed_is_told_at_once() -> None:
    stream = Numbers()
    client = await followed(stream, 0)
    commit(stream, 1)
    commit(stream, 2)
    assert client.told == [1, 2]


async def test_what_was_not_heard_is_told_before_what_comes_behind_it() -> None:
    stream = Numbers()
    client = await followed(stream, 0)
    commit(stream, 1, heard=False)
    commit(stream, 2)
    await stream.settled()
    assert client.told == [1, 2]


async def test_what_is_heard_twice_is_told_once() -> None:
    stream = Numbers()
    client = await followed(stream, 0)
    commit(stream, 1)
    stream.hear(1, {})
    assert client.told == [1]


async def test_whoever_comes_back_is_told_what_they_missed_however_much_it_is() -> None:
    stream = Numbers()
    stream.stored = list(range(1, 3 * PORTION + A_FEW))
    client = await followed(stream, 7)
    assert client.told == stream.stored[7:]


async def test_who_comes_back_holds_up_nobody_while_they_read() -> None:
    """They take a portion, and then nothing for a long time."""
    stream = Numbers()
    fast = await followed(stream, 0)
    for number in range(1, 2 * PORTION):
        commit(stream, number)
    slow, goes_on = Client(), asyncio.Event()
    coming = asyncio.create_task(stream.replay(slow, 0, goes_on.wait))  # type: ignore[arg-type]
    for _ in range(20):
        await asyncio.sleep(0)
    commit(stream, 2 * PORTION)
    assert fast.told[-1] == 2 * PORTION
    assert len(slow.told) < PORTION
    goes_on.set()
    await coming
    assert slow.told == fast.told


async def test_who_read_ahead_of_what_was_heard_is_not_told_it_again() -> None:
    """Found by cutting the network: so much was missed that some of it was read before anybody here had heard of it."""
    stream = Numbers()
    other = await followed(stream, 0)
    for number in range(1, 2 * A_FEW):
        commit(stream, number, heard=False)
    client = await followed(stream, 0)
    for number in range(1, 2 * A_FEW):
        stream.hear(number, {})
    await stream.settled()
    assert client.told == other.told == stream.stored


@pytest.mark.parametrize("error", [Unavailable("database-unavailable", "away"), ValueError("what is this?")])
async def test_a_store_that_was_away_is_asked_again(error: Exception) -> None:
    stream = Numbers()
    client = await followed(stream, 0)
    stream.error = error
    commit(stream, 1, heard=False)
    commit(stream, 2)
    with suppress(ValueError):
        await stream.settled()
    assert client.told == []
    stream.error = None
    stream.fall_behind(2)
    await stream.settled()
    assert client.told == [1, 2]


steps = st.lists(
    st.tuples(st.sampled_from(["commit", "lose", "late", "join", "turn", "look"]), st.integers(0, 5)), max_size=40
)


@given(steps)
async def test_nobody_has_a_gap_or_a_double(taken: list[tuple[str, int]]) -> None:
    """A model: each client is told every number behind the one it came with, in order, once. Commits are heard at
    once, late, or not at all; some numbers do not exist; clients come at any moment, with any cursor."""
    stream, number = Numbers(), 0
    unheard: list[int] = []
    coming: list[tuple[int, asyncio.Task[Client]]] = []
    for step, chosen in taken:
        match step:
            case "commit" | "lose":
                number += 1 + (chosen == 5)  # one was removed, or never was
                commit(stream, number, heard=step == "commit")
                unheard.append(number)
            case "late" if unheard:
                stream.hear(unheard[chosen % len(unheard)], {})
            case "join":
                after = min(chosen, number)
                coming.append((after, asyncio.create_task(followed(stream, after))))
            case "turn":
                for _ in range(chosen):
                    await asyncio.sleep(0)
            case "look" if stream.followers and number > stream.number:
                stream.fall_behind(number)
    clients = [(after, await task) for after, task in coming]
    await stream.settled()
    if stream.followers and number > stream.number:
        stream.fall_behind(number)
        await stream.settled()
    for after, client in clients:
        assert client.told == [each for each in stream.stored if each > after]

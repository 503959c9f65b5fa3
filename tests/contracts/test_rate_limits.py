"""Rate limits, counted here or in Redis: what both promise."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.rate_limits.local import MOST_WAITING_FOR_ONE, BoundedMemory, LocalRateLimits
from adapters.rate_limits.shared import LOOK_EVERY, SharedRateLimits
from adapters.redis_client import Away, Circuit, RedisClient, RedisServer, open_client
from application.limits import RateLimiter
from tests.contracts.builders import examples
from tests.limits import FOR_EVER, a_limit
from tests.services import redis_url

LOCAL, SHARED = "local", "shared"
PATIENT = 5.0


@asynccontextmanager
async def open_limiter(kind: str, prefix: str | None = None) -> AsyncIterator[RateLimiter]:
    """One that has counted nothing yet."""
    if kind == LOCAL:
        yield LocalRateLimits()
        return
    async with open_circuit(redis_url()) as (client, circuit):
        yield SharedRateLimits(client, circuit, prefix=prefix or f"test:{uuid.uuid4()}")


@asynccontextmanager
async def open_circuit(url: str) -> AsyncIterator[tuple[RedisClient, Circuit]]:
    client = open_client(RedisServer.of(url), PATIENT)
    circuit = Circuit(client, PATIENT, rest=60)
    try:
        yield client, circuit
    finally:
        await circuit.close()


@pytest.fixture(params=[LOCAL, SHARED])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    async with open_limiter(request.param) as opened:
        yield opened


async def test_as_many_as_the_limit_says_are_taken(limiter: RateLimiter) -> None:
    standings = [await limiter.take(a_limit(3), "ada") for _ in range(5)]
    assert [each.taken for each in standings] == [True, True, True, False, False]
    assert [each.remaining for each in standings] == [2, 1, 0, 0, 0]


async def test_keys_and_limits_are_counted_apart(limiter: RateLimiter) -> None:
    assert (await limiter.take(a_limit(1), "ada")).taken
    assert (await limiter.take(a_limit(1), "grace")).taken
    assert (await limiter.take(a_limit(1, name="another"), "ada")).taken
    assert not (await limiter.take(a_limit(1), "ada")).taken


async def test_who_is_refused_learns_when_one_is_free_and_it_is_free_then(limiter: RateLimiter) -> None:
    limit = a_limit(2, seconds=2)
    while (await limiter.take(limit, "ada")).taken:
        pass
    refused = await limiter.take(limit, "ada")
    assert 0 < refused.seconds <= limit.seconds * 2
    await asyncio.sleep(refused.seconds + 0.02)
    assert (await limiter.take(limit, "ada")).taken


async def test_a_window_slides_so_that_its_end_frees_no_double_helping(limiter: RateLimiter) -> None:
    limit = a_limit(20, seconds=1)
    end = asyncio.get_running_loop().time() + 3
    taken = 0
    while asyncio.get_running_loop().time() < end:
        taken += (await limiter.take(limit, "ada")).taken
        await asyncio.sleep(0.002)
    assert 20 < taken <= 20 * 4


async def test_what_is_given_back_can_be_taken_again(limiter: RateLimiter) -> None:
    limit = a_limit(1)
    for _ in range(3):
        first = await limiter.take(limit, "ada", undecided=True)
        assert first.taken
        assert not (await limiter.take(limit, "ada", undecided=True)).taken
        await limiter.settle(first, give_back=True)


async def test_what_is_not_given_back_stays_taken(limiter: RateLimiter) -> None:
    first = await limiter.take(a_limit(1), "ada", undecided=True)
    await limiter.settle(first, give_back=False)
    refused = await limiter.take(a_limit(1), "ada", undecided=True)
    assert (refused.taken, refused.undecided) == (False, 0)


async def test_it_is_told_how_many_are_undecided(limiter: RateLimiter) -> None:
    taken = [await limiter.take(a_limit(2), "ada", undecided=True) for _ in range(2)]
    assert (await limiter.take(a_limit(2), "ada", undecided=True)).undecided == 2
    await limiter.settle(taken[0], give_back=False)
    assert (await limiter.take(a_limit(2), "ada", undecided=True)).undecided == 1


async def test_giving_back_in_a_later_window_frees_nothing_that_others_took_in_it(limiter: RateLimiter) -> None:
    limit = a_limit(2, seconds=2)
    early = await limiter.take(limit, "ada", undecided=True)
    assert early.taken
    await asyncio.sleep(2 * limit.seconds + 0.1)
    while (await limiter.take(limit, "ada")).taken:
        pass
    await limiter.settle(early, give_back=True)
    assert not (await limiter.take(limit, "ada")).taken


async def test_who_waits_is_woken_by_what_is_settled(limiter: RateLimiter) -> None:
    limit = a_limit(1)
    first = await limiter.take(limit, "ada", undecided=True)
    waiting = asyncio.create_task(limiter.settled(limit, "ada", 60))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await limiter.settle(first, give_back=True)
    assert await asyncio.wait_for(waiting, 5)


async def test_only_so_many_may_wait(limiter: RateLimiter) -> None:
    waiting = [asyncio.create_task(limiter.settled(a_limit(), "ada", 60)) for _ in range(MOST_WAITING_FOR_ONE)]
    await asyncio.sleep(0)
    assert not await limiter.settled(a_limit(), "ada", 60)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await limiter.settled(a_limit(), "ada", 0.01)


@examples
@given(st.data(), st.sampled_from([LOCAL, SHARED]), st.integers(1, 5))
async def test_never_more_than_the_limit_are_undecided_or_wrong(data: st.DataObject, kind: str, amount: int) -> None:
    limit = a_limit(amount)
    undecided, wrong = [], 0
    async with open_limiter(kind) as limiter:
        for step in data.draw(st.lists(st.sampled_from(["try", "right", "wrong"]), max_size=40)):
            if step == "try":
                standing = await limiter.take(limit, "ada", undecided=True)
                assert standing.taken == (len(undecided) + wrong < amount)
                assert standing.remaining == amount - len(undecided) - wrong - standing.taken
                undecided += [standing] if standing.taken else []
                assert standing.undecided == len(undecided)
            elif undecided:
                one = undecided.pop(data.draw(st.integers(0, len(undecided) - 1)))
                await limiter.settle(one, give_back=step == "right")
                wrong += step == "wrong"


async def test_two_processes_share_what_is_counted_in_redis() -> None:
    prefix = f"test:{uuid.uuid4()}"
    async with open_limiter(SHARED, prefix) as one, open_limiter(SHARED, prefix) as other:
        taken = [await limiter.take(a_limit(3), "ada", undecided=True) for limiter in (one, other, one, other)]
        assert [each.taken for each in taken] == [True, True, True, False]
        assert taken[-1].undecided == 3
        await other.settle(taken[1], give_back=True)
        assert (await one.take(a_limit(3), "ada")).taken
        assert not (await other.take(a_limit(3), "ada")).taken


async def test_many_at_once_from_two_processes_take_no_more() -> None:
    prefix = f"test:{uuid.uuid4()}"
    async with open_limiter(SHARED, prefix) as one, open_limiter(SHARED, prefix) as other:
        standings = await asyncio.gather(*(limiter.take(a_limit(5), "ada") for limiter in (one, other) * 25))
        assert sum(each.taken for each in standings) == 5


async def test_giving_back_twice_frees_one() -> None:
    async with open_limiter(SHARED) as limiter:
        first, second = [await limiter.take(a_limit(2), "ada", undecided=True) for _ in range(2)]
        await limiter.settle(second, give_back=False)
        for _ in range(2):
            await limiter.settle(first, give_back=True)
        assert [(await limiter.take(a_limit(2), "ada")).taken for _ in range(2)] == [True, False]


async def test_where_redis_is_away_the_process_goes_on_with_half_of_what_it_had() -> None:
    async with open_circuit("redis://127.0.0.1:1") as (client, circuit):
        limiter = SharedRateLimits(client, circuit, workers=2)
        standings = [await limiter.take(a_limit(8), "ada") for _ in range(4)]
        assert [each.taken for each in standings] == [True, True, False, False]
        assert (await limiter.take(a_limit(1), "grace")).taken


async def test_it_does_not_begin_anew_when_redis_goes() -> None:
    async with open_circuit(redis_url()) as (client, circuit):
        limiter = SharedRateLimits(client, circuit, prefix=f"test:{uuid.uuid4()}")
        first = await limiter.take(a_limit(4), "ada", undecided=True)
        assert (await limiter.take(a_limit(4), "ada")).taken
        with pytest.raises(Away):
            await circuit.ask(_nothing)
        assert not (await limiter.take(a_limit(4), "ada")).taken
        await limiter.settle(first, give_back=True)
        assert (await limiter.take(a_limit(4), "ada")).taken


async def test_once_redis_was_emptied_the_process_has_half() -> None:
    prefix = f"test:{uuid.uuid4()}"
    async with open_circuit(redis_url()) as (client, circuit):
        limiter = SharedRateLimits(client, circuit, prefix=prefix)
        assert [(await limiter.take(a_limit(4), "ada")).taken for _ in range(3)] == [True] * 3
        await client.delete(*[key async for key in client.scan_iter(f"{prefix}*")])
        await asyncio.sleep(LOOK_EVERY)
        assert not (await limiter.take(a_limit(4), "ada")).taken
        assert [(await limiter.take(a_limit(4), "grace")).taken for _ in range(3)] == [True, True, False]


async def test_memory_is_bounded_and_those_who_called_most_are_remembered() -> None:
    memory = BoundedMemory(most=100)
    for _ in range(5):
        assert memory.acquire_sliding_window_entry("ada", 5, FOR_EVER)
    for n in range(1000):
        assert memory.acquire_sliding_window_entry(f"stranger{n}", 5, FOR_EVER)
        assert len(memory.storage) <= 100
    assert len(memory.expirations) == len(memory.storage)
    assert not memory.acquire_sliding_window_entry("ada", 5, FOR_EVER)


async def test_what_has_run_out_goes_first() -> None:
    memory = BoundedMemory(most=100)
    for n in range(99):
        memory.incr(f"gone{n}", expiry=0, amount=9)
    memory.incr("low", expiry=FOR_EVER)
    memory.incr("new", expiry=FOR_EVER)
    assert set(memory.storage) == {"low", "new"}


async def _nothing() -> None:
    raise ConnectionResetError


async def test_processes_without_redis_share_the_limit_out() -> None:
    workers = [LocalRateLimits(share=2) for _ in range(2)]
    standings = [await worker.take(a_limit(5), "ada") for worker in workers for _ in range(10)]
    assert sum(each.taken for each in standings) == 4
    assert (await LocalRateLimits(share=64).take(a_limit(5), "ada")).taken

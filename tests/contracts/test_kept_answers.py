"""Answers that are kept for repeated requests."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Conflict
from domain.idempotency import KeptAnswer
from tests.contracts.builders import NOW
from tests.stores import Store

DAY = timedelta(days=1)
ANSWER = KeptAnswer("caller", 'a "key"', bytes(range(32)), b"\x00answer\xff", NOW)


async def keep(store: Store, answer: KeptAnswer, *, instead_of_before: timedelta = DAY) -> None:
    async with store.transactions.begin() as uow:
        await uow.idempotency.keep(answer, instead_of_before=NOW - instead_of_before)


async def test_an_answer_is_found_as_it_was_kept(store: Store) -> None:
    await keep(store, ANSWER)
    assert await store.idempotency.kept_answer("caller", 'a "key"') == ANSWER
    assert await store.idempotency.kept_answer("caller", "another key") is None
    assert await store.idempotency.kept_answer("another caller", 'a "key"') is None


async def test_it_is_kept_once_for_a_caller_and_a_key(store: Store) -> None:
    await keep(store, ANSWER)
    for other in (replace(ANSWER, caller="another caller"), replace(ANSWER, key="another key")):
        await keep(store, other)
    with pytest.raises(Conflict) as taken:
        await keep(store, replace(ANSWER, answer=b"another"))
    assert taken.value.code == "request-running"
    assert await store.idempotency.kept_answer("caller", 'a "key"') == ANSWER


async def test_one_that_is_old_gives_way(store: Store) -> None:
    await keep(store, replace(ANSWER, created_at=NOW - DAY))
    await keep(store, ANSWER)
    assert await store.idempotency.kept_answer("caller", 'a "key"') == ANSWER


async def test_nothing_is_kept_of_what_was_rolled_back(store: Store) -> None:
    async def keep_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.idempotency.keep(ANSWER, instead_of_before=NOW - DAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await keep_and_fail()
    assert await store.idempotency.kept_answer("caller", 'a "key"') is None
    await keep(store, ANSWER)


async def test_of_many_at_once_one_is_kept(store: Store) -> None:
    answers = [replace(ANSWER, answer=str(number).encode()) for number in range(10)]
    outcomes = await asyncio.gather(*(keep(store, answer) for answer in answers), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"request-running"}
    kept = await store.idempotency.kept_answer("caller", 'a "key"')
    assert kept is not None
    assert kept.answer == answers[outcomes.index(None)].answer


async def test_those_of_one_caller_are_removed(store: Store) -> None:
    others = replace(ANSWER, caller="another caller")
    for answer in (ANSWER, replace(ANSWER, key="another key"), others):
        await keep(store, answer)
    async with store.transactions.begin() as uow:
        await uow.idempotency.remove_all_of("caller")
    assert await store.idempotency.kept_answer("caller", 'a "key"') is None
    assert await store.idempotency.kept_answer("caller", "another key") is None
    assert await store.idempotency.kept_answer("another caller", 'a "key"') == others


async def test_old_ones_are_removed(store: Store) -> None:
    await keep(store, ANSWER)
    for days in (1, 2):
        await keep(store, replace(ANSWER, key=f"{days} days", created_at=NOW - days * DAY))
    async with store.transactions.begin() as uow:
        assert await uow.idempotency.remove_before(NOW - DAY) == 2
        assert await uow.idempotency.remove_before(NOW - DAY) == 0
    assert await store.idempotency.kept_answer("caller", 'a "key"') == ANSWER
    assert await store.idempotency.kept_answer("caller", "1 days") is None

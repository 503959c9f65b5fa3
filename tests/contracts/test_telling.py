"""What was said within a unit of work is told behind its commit, and what rolled back never was said."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.live.ports import Hub
from application.live.telling import TellingTransactions
from application.live.told import Told, Topic
from domain.errors import Conflict
from tests.contracts.builders import a_user, add
from tests.stores import Store


class Ears(Hub):
    """A hub that keeps what it is told, and looks into the store meanwhile."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.hears: Callable[[Told], None] = self.told.append

    def publish(self, told: Told) -> None:
        self.hears(told)

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        """Nobody listens but the test."""

    def is_whole(self) -> bool:
        return False


def something(about: UUID | None = None, **data: Any) -> Told:
    return Told(Topic.ROOM, about or uuid4(), data)


async def test_what_is_committed_is_told_in_its_order(store: Store) -> None:
    ears = Ears()
    transactions = TellingTransactions(store.transactions, ears)
    told = [something(number=n) for n in range(5)]
    async with transactions.begin() as uow:
        assert uow.told == []
        await uow.users.add(a_user())
        for each in told:
            uow.told.append(each)
            assert ears.told == []
    assert ears.told == told


async def test_it_is_committed_when_it_is_told(store: Store) -> None:
    """Whoever hears of it finds it in the store."""
    ears = Ears()
    user = a_user()
    looking: list[asyncio.Task[object]] = []
    ears.hears = lambda _: looking.append(asyncio.create_task(store.queries.user(user.id)))
    async with TellingTransactions(store.transactions, ears).begin() as uow:
        await uow.users.add(user)
        uow.told.append(something())
    [look] = looking
    assert await look is not None


async def test_what_rolled_back_is_not_told(store: Store) -> None:
    ears = Ears()
    transactions = TellingTransactions(store.transactions, ears)

    async def fail() -> None:
        async with transactions.begin() as uow:
            uow.told.append(something())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert ears.told == []


async def test_what_was_spoilt_is_not_told(store: Store) -> None:
    """The error was caught within, and the commit refused."""
    ears = Ears()
    await add(store, a_user())

    async def spoil() -> None:
        async with TellingTransactions(store.transactions, ears).begin() as uow:
            uow.told.append(something())
            with pytest.raises(Conflict):
                await uow.users.add(a_user())

    with pytest.raises(Conflict):
        await spoil()
    assert ears.told == []


async def test_units_of_work_side_by_side_tell_their_own(store: Store) -> None:
    ears = Ears()
    transactions = TellingTransactions(store.transactions, ears)

    async def tell(n: int) -> None:
        async with transactions.begin() as uow:
            uow.told.append(something(number=n))
            await asyncio.sleep(0)
            uow.told.append(something(number=n))

    await asyncio.gather(*(tell(n) for n in range(10)))
    numbers = [told.data["number"] for told in ears.told]
    assert numbers[::2] == numbers[1::2]
    assert sorted(numbers[::2]) == list(range(10))

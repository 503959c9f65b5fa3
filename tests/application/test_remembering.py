"""What was read is kept for as long as nobody has changed it."""

import asyncio
from collections.abc import Collection

import pytest

from adapters.memory import MemoryDatabase
from adapters.memory.changes import MemoryChanges
from application.remembering import Remembered


class Shelf:
    """A place that counts how often it is read."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.remembered = Remembered[str, int](MemoryChanges(self.database), most=3)
        self.value: int | None = 1
        self.reads = 0
        self.slow = asyncio.Event()
        self.slow.set()

    def write(self, value: int | None) -> None:
        self.value = value
        self.database.commits += 1

    async def ask(self, key: str = "key") -> int | None:
        found = self.remembered.get(key)
        return await self.remembered.read(key, (), self.read) if found is None else found

    async def read(self) -> int | None:
        self.reads += 1
        value = self.value
        await self.slow.wait()
        return value


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


async def test_it_is_read_once_until_it_changes(shelf: Shelf) -> None:
    assert [await shelf.ask() for _ in range(3)] == [1, 1, 1]
    assert shelf.reads == 1
    shelf.write(2)
    assert [await shelf.ask() for _ in range(3)] == [2, 2, 2]
    assert shelf.reads == 2


async def test_of_fifty_who_want_it_at_once_one_reads(shelf: Shelf) -> None:
    shelf.slow.clear()
    asking = [asyncio.create_task(shelf.ask()) for _ in range(50)]
    await asyncio.sleep(0)
    shelf.slow.set()
    assert await asyncio.gather(*asking) == [1] * 50
    assert shelf.reads == 1


async def test_who_comes_after_a_write_does_not_wait_for_a_read_from_before_it(shelf: Shelf) -> None:
    shelf.slow.clear()
    early = asyncio.create_task(shelf.ask())
    await asyncio.sleep(0)
    shelf.write(2)
    late = asyncio.create_task(shelf.ask())
    await asyncio.sleep(0)
    shelf.slow.set()
    assert (await early, await late) == (1, 2)
    assert await shelf.ask() == 2


async def test_when_who_reads_is_cancelled_another_one_reads(shelf: Shelf) -> None:
    shelf.slow.clear()
    first, second = (asyncio.create_task(shelf.ask()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    shelf.slow.set()
    assert await second == 1
    assert first.cancelled()


async def test_what_is_not_there_is_not_kept(shelf: Shelf) -> None:
    shelf.value = None
    assert await shelf.ask() is None
    shelf.value = 5
    assert await shelf.ask() == 5


async def test_no_more_is_kept_than_was_said(shelf: Shelf) -> None:
    for key in "abcd":
        await shelf.ask(key)
    assert [shelf.remembered.get(key) for key in "abcd"] == [None, 1, 1, 1]


async def test_of_fifty_who_wait_for_a_read_that_fails_nobody_reads_again(shelf: Shelf) -> None:
    async def fail() -> int | None:
        shelf.reads += 1
        await shelf.slow.wait()
        raise ZeroDivisionError

    shelf.slow.clear()
    asking = [asyncio.create_task(shelf.remembered.read("key", (), fail)) for _ in range(50)]
    await asyncio.sleep(0)
    shelf.slow.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(each) for each in found} == {ZeroDivisionError}
    assert shelf.reads == 1


@pytest.mark.parametrize("value", [1, None])
async def test_of_fifty_who_wait_for_a_read_that_is_overtaken_nobody_reads_again(
    shelf: Shelf, value: int | None
) -> None:
    """They came before it was written to; only who comes later may not see the older state."""
    shelf.value = value
    shelf.slow.clear()
    asking = [asyncio.create_task(shelf.ask()) for _ in range(50)]
    await asyncio.sleep(0)
    shelf.write(2)
    shelf.slow.set()
    assert await asyncio.gather(*asking) == [value] * 50
    assert shelf.reads == 1
    assert await shelf.ask() == 2


async def test_of_many_those_that_are_known_are_not_read(shelf: Shelf) -> None:
    await shelf.ask("a")
    assert shelf.remembered.get_all("abc") == {"a": 1}

    async def read(keys: Collection[str]) -> dict[str, int]:
        assert list(keys) == ["b", "c"]
        return {"b": 2}

    assert await shelf.remembered.read_all({"b": (), "c": ()}, read) == {"b": 2}
    assert shelf.remembered.get_all("abc") == {"a": 1, "b": 2}
    shelf.write(5)
    assert shelf.remembered.get_all("abc") == {}


async def test_of_many_nothing_is_kept_that_was_overtaken(shelf: Shelf) -> None:
    async def read(keys: Collection[str]) -> dict[str, int]:
        shelf.write(5)
        return dict.fromkeys(keys, 1)

    assert await shelf.remembered.read_all({"a": (), "b": ()}, read) == {"a": 1, "b": 1}
    assert shelf.remembered.get_all("ab") == {}


async def test_equal_marks_are_asked_about_once() -> None:
    class Asked(MemoryChanges):
        times = 0

        def holds(self, mark: object) -> bool:
            self.times += 1
            return super().holds(mark)

    changes = Asked(MemoryDatabase())
    remembered = Remembered[int, int](changes, most=1_000)

    async def read(keys: Collection[int]) -> dict[int, int]:
        return {key: key for key in keys}

    await remembered.read_all(dict.fromkeys(range(1000), ()), read)
    assert len(remembered.get_all(range(1_000))) == 1_000
    assert changes.times == 2

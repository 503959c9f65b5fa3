"""Rooms, and what is said in them, on each store."""

import asyncio
from uuid import uuid4

import pytest

from domain.errors import Conflict, NotFound
from domain.identity.user import User
from domain.live import room as rooms
from domain.live.room import Room, RoomMessage
from tests.contracts.builders import NOW, SECOND, a_room, a_user, add, remove
from tests.contracts.test_numbers import say
from tests.stores import Store

KEPT, TRIMMED_EVERY = 6, 3


async def open_rooms(store: Store, *opened: Room) -> None:
    async with store.transactions.begin() as uow:
        for room in opened:
            await uow.rooms.add(room)


async def texts(store: Store, room: Room) -> list[str]:
    return [message.value.text for message in await store.live.said_after(room.id, 0, 10_000)]


async def test_a_room_is_found_by_its_name_as_it_was_stored(store: Store) -> None:
    room = a_room("board-2", title="Vorstand 👋", permission="users:read")
    await open_rooms(store, room)
    async with store.transactions.begin() as uow:
        assert await uow.rooms.get("board-2") == room
        for name in ("Board-2", "board", "", "\0", "\ud800"):
            assert await uow.rooms.get(name) is None


async def test_of_two_rooms_of_one_name_one_is_refused(store: Store) -> None:
    made = await asyncio.gather(*(open_rooms(store, a_room()) for _ in range(5)), return_exceptions=True)
    refused = [error for error in made if error is not None]
    assert [error.code for error in refused if isinstance(error, Conflict)] == ["room-taken"] * 4


async def test_a_room_takes_what_was_said_with_it_and_its_name_is_free(store: Store) -> None:
    ada, room, other = a_user(), a_room(), a_room("other")
    await add(store, ada)
    await open_rooms(store, room, other)
    await say(store, room, ada)
    await say(store, other, ada, "stays")
    async with store.transactions.begin() as uow:
        await uow.rooms.remove(room.id)
    assert await store.live.room("lounge") is None
    assert await store.live.room_numbers([room.id, other.id]) == {other.id: 1}
    assert [row.value.text for row in await store.live.said_by(ada.id, after=None, offset=0, limit=10)] == ["stays"]
    async with store.transactions.begin() as uow:
        assert await uow.rooms.next_number(room.id) is None
    await open_rooms(store, a_room())
    assert await texts(store, room) == []


async def test_an_account_takes_what_it_said_with_it(store: Store) -> None:
    ada, bob, room = a_user("ada"), a_user("bob"), a_room()
    await add(store, ada, bob)
    await open_rooms(store, room)
    for author, text in ((ada, "one"), (bob, "two"), (ada, "three")):
        await say(store, room, author, text)
    await remove(store, ada)
    assert await texts(store, room) == ["two"]
    assert await store.live.room_numbers([room.id]) == {room.id: 3}
    assert await say(store, room, bob, "four") == 4


async def test_who_is_gone_says_nothing_and_leaves_no_number(store: Store) -> None:
    ada, room = a_user(), a_room()
    await add(store, ada)
    await open_rooms(store, room)
    with pytest.raises(NotFound) as refused:
        await say(store, room, a_user("nobody"))
    assert refused.value.code == "user-not-found"
    assert await say(store, room, ada) == 1


async def test_a_room_keeps_its_latest_messages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never fewer than it has to, and only now and then more."""
    trim(monkeypatch)
    ada, room, other = a_user(), a_room(), a_room("other")
    await add(store, ada)
    await open_rooms(store, room, other)
    await say(store, other, ada, "stays")
    for n in range(1, 5 * KEPT):
        await say(store, room, ada, f"{n}")
        oldest = max(1, n - n % TRIMMED_EVERY - KEPT + 1)
        assert await texts(store, room) == [f"{number}" for number in range(oldest, n + 1)]
    assert await texts(store, other) == ["stays"]


def trim(monkeypatch: pytest.MonkeyPatch) -> None:
    import adapters.memory.live_queries
    import adapters.memory.rooms
    import adapters.sql.rooms

    for module in (adapters.memory.live_queries, adapters.memory.rooms, adapters.sql.rooms, rooms):
        monkeypatch.setattr(module, "KEPT", KEPT)
        monkeypatch.setattr(module, "TRIMMED_EVERY", TRIMMED_EVERY)


async def test_accounts_and_rooms_that_go_while_there_is_talk_hold_nothing_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trim(monkeypatch)
    users = [a_user(f"m{n}") for n in range(6)]
    opened = [a_room("one"), a_room("two")]
    await add(store, *users)
    await open_rooms(store, *opened)
    for n in range(12):
        room, author = opened[n % 2], users[n % 6]
        async with store.transactions.begin() as uow:
            number = await uow.rooms.next_number(room.id)
            assert number is not None
            at = NOW - n * SECOND  # those of one author go in the order of their times, not of their numbers
            made = RoomMessage(id=uuid4(), room_id=room.id, number=number, author_id=author.id, text=f"{n}", at=at)
            await uow.rooms.say(made)

    async def talk(room: Room, author: User) -> None:
        try:
            async with store.transactions.begin() as uow:
                number = await uow.rooms.next_number(room.id)
                if number is not None:
                    message = RoomMessage(
                        id=uuid4(), room_id=room.id, number=number, author_id=author.id, text="Hello", at=NOW
                    )
                    await uow.rooms.say(message)
        except NotFound:
            pass

    async def close(room: Room) -> None:
        async with store.transactions.begin() as uow:
            if await uow.rooms.get(room.name) is not None:
                await uow.rooms.remove(room.id)

    talking = [talk(opened[n % 2], users[n % 6]) for n in range(24)]
    async with asyncio.timeout(60):
        await asyncio.gather(*talking, *(remove(store, user) for user in users[:4]), close(opened[0]))
    assert await store.live.room("one") is None
    authors = {message.value.author.id for message in await store.live.said_after(opened[1].id, 0, 100)}
    assert authors <= {user.id for user in users[4:]}

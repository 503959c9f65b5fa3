"""Numbers of notifications and messages: whoever has seen one has seen all before it, however many write at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.system import SystemClock, Uuid7Ids
from application.live.views import Numbered
from application.notifications.notifier import Notifier
from application.outbox import Outbox
from application.reactions import REACTION_NAMES
from application.webhooks.subscribers import Subscribers
from domain.access.actor import PROCESS
from domain.identity.user import User
from domain.live.room import Room, RoomMessage
from domain.notifications.notification import Broadcast, Kind
from tests.contracts.builders import NOW, a_notification, a_room, a_user, add, remove
from tests.stores import Store

AT_ONCE = 20


@dataclass
class Reader:
    """Always asks for what comes after the last that it has seen, and never looks back."""

    after: Callable[[int], Awaitable[Sequence[Numbered[Any]]]]
    expected: int
    seen: list[Any]

    async def read(self) -> None:
        last = 0
        while len(self.seen) < self.expected:
            for found in await self.after(last):
                assert found.number > last
                last = found.number
                self.seen.append(found.value)
            await asyncio.sleep(0)


async def settled(*work: Awaitable[object]) -> None:
    async with asyncio.timeout(60):
        await asyncio.gather(*work)


async def a_room_with(store: Store, *users: User) -> Room:
    room = a_room()
    await add(store, *users)
    async with store.transactions.begin() as uow:
        await uow.rooms.add(room)
    return room


async def say(store: Store, room: Room, author: User, text: str = "Hello") -> int:
    async with store.transactions.begin() as uow:
        number = await uow.rooms.next_number(room.id)
        assert number is not None
        await asyncio.sleep(0)
        await uow.rooms.say(
            RoomMessage(id=uuid4(), room_id=room.id, number=number, author_id=author.id, text=text, at=NOW)
        )
    return number


async def test_of_many_who_say_something_at_once_a_reader_misses_nothing(store: Store) -> None:
    users = [a_user(f"m{n}") for n in range(4)]
    room = await a_room_with(store, *users)
    reader = Reader(lambda last: store.live.said_after(room.id, last, 3), AT_ONCE, [])
    texts = [f"{n}" for n in range(AT_ONCE)]
    saying = [say(store, room, users[n % 4], text) for n, text in enumerate(texts)]
    numbers: list[int] = []

    async def note(each: Awaitable[int]) -> None:
        numbers.append(await each)

    await settled(reader.read(), *map(note, saying))
    assert sorted(numbers) == list(range(1, AT_ONCE + 1))
    assert sorted(message.text for message in reader.seen) == sorted(texts)
    assert await store.live.room_numbers([room.id]) == {room.id: AT_ONCE}


async def test_of_many_who_tell_one_member_something_at_once_a_reader_misses_nothing(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    ids, clock = Uuid7Ids(), SystemClock()
    notifier = Notifier(Outbox(clock, ids, REACTION_NAMES, Subscribers(store.changes, ids)), clock, ids)
    reader = Reader(lambda last: store.live.notifications_after(ada.id, last, 3), AT_ONCE, [])

    async def tell(title: str) -> None:
        async with store.transactions.begin() as uow:
            await uow.users.get(ada.id)
            await notifier.notify(uow, PROCESS, ada.id, Kind.MESSAGE, title=title, body="World")
            await asyncio.sleep(0)

    titles = [f"{n}" for n in range(AT_ONCE)]
    await settled(reader.read(), *map(tell, titles))
    assert sorted(told.title for told in reader.seen) == sorted(titles)
    assert (await store.live.inboxes([ada.id]))[ada.id].number == AT_ONCE


async def test_messages_and_broadcasts_at_once_give_each_member_numbers_without_gaps(store: Store) -> None:
    """Nobody waits for one who waits for them, though everybody is told by two broadcasts and by hand."""
    users = [a_user(f"m{n}") for n in range(6)]
    await add(store, *users)
    broadcasts = [Broadcast(id=uuid4(), title=f"B{n}", body="All", created_at=NOW) for n in range(2)]
    async with store.transactions.begin() as uow:
        for broadcast in broadcasts:
            await uow.broadcasts.add(broadcast)

    async def tell(user: User) -> None:
        async with store.transactions.begin() as uow:
            await uow.users.get(user.id)
            await uow.notifications.add(a_notification(user))

    async def bring(broadcast: Broadcast) -> None:
        async with store.transactions.begin() as uow:
            locked = await uow.broadcasts.get(broadcast.id)
            assert locked is not None
            members = await uow.broadcasts.next_members(None, 100)
            await uow.broadcasts.deliver(locked, [(uuid4(), member.user_id) for member in members], NOW)

    await settled(*(tell(user) for user in users * 3), *(bring(b) for b in broadcasts * 2))
    states = await store.live.inboxes([user.id for user in users])
    for user in users:
        found = await store.live.notifications_after(user.id, 0, 100)
        assert [each.number for each in found] == [1, 2, 3, 4, 5]
        assert (states[user.id].number, states[user.id].unread) == (5, 5)


async def test_who_got_a_broadcast_gets_no_number_for_it_again(store: Store) -> None:
    ada, bob = sorted([a_user("ada"), a_user("bob")], key=lambda user: user.id)
    await add(store, ada, bob)
    broadcast = Broadcast(id=uuid4(), title="To all", body="Of you", created_at=NOW)
    async with store.transactions.begin() as uow:
        await uow.broadcasts.add(broadcast)
        await uow.broadcasts.deliver(broadcast, [(uuid4(), bob.id)], NOW)
        await uow.broadcasts.deliver(broadcast, [(uuid4(), ada.id), (uuid4(), bob.id)], NOW)
    states = await store.live.inboxes([ada.id, bob.id])
    assert {user_id: state.number for user_id, state in states.items()} == {ada.id: 1, bob.id: 1}


async def test_what_rolled_back_leaves_its_number_to_the_next(store: Store) -> None:
    ada = a_user()
    room = await a_room_with(store, ada)

    async def fail() -> None:
        async with store.transactions.begin() as uow:
            assert await uow.notifications.add(a_notification(ada)) == 1
            assert await uow.rooms.next_number(room.id) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.transactions.begin() as uow:
        assert await uow.notifications.add(a_notification(ada)) == 1
        assert await uow.notifications.add(a_notification(ada)) == 2
    assert await say(store, room, ada) == 1


async def test_numbers_of_an_account_end_with_it(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    async with store.transactions.begin() as uow:
        await uow.notifications.add(a_notification(ada))
    await remove(store, ada)
    assert (await store.live.inboxes([ada.id]))[ada.id].number == 0
    assert await store.live.notifications_after(ada.id, 0, 10) == []


async def test_nobody_is_told_anything_who_is_not_there(store: Store) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011
        async with store.transactions.begin() as uow:
            await uow.notifications.add(a_notification(a_user()))


async def test_an_account_that_goes_while_it_is_told_something_holds_nothing_up(store: Store) -> None:
    """Who tells locks the account before the inbox, as who deletes it does."""
    users = [a_user(f"m{n}") for n in range(5)]
    await add(store, *users)

    async def tell(user: User) -> UUID | None:
        async with store.transactions.begin() as uow:
            if await uow.users.get(user.id) is None:
                return None
            await uow.notifications.add(a_notification(user))
        return user.id

    await settled(*(tell(user) for user in users * 4), *(remove(store, user) for user in users))
    for user in users:
        assert await store.live.notifications_after(user.id, 0, 10) == []

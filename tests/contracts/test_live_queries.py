"""What live connections read, on each store: as it is, in its order, and by an index."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from adapters.sql import live_queries, tables
from application.jobs.views import JobView
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position, Row
from application.posts.views import AuthorView
from domain.identity.user import User
from domain.jobs.job import Job, Progress
from domain.live.room import Room, RoomMessage
from domain.notifications.notification import Broadcast, Kind
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_job,
    a_notification,
    a_room,
    a_user,
    add,
    add_jobs,
    an_event,
    examples,
    remove,
)
from tests.contracts.plans import Asked
from tests.stores import POSTGRESQL, Store


async def open_rooms(store: Store, *opened: Room) -> None:
    async with store.transactions.begin() as uow:
        for room in opened:
            await uow.rooms.add(room)


async def close(store: Store, *closed: Room) -> None:
    async with store.transactions.begin() as uow:
        for room in closed:
            await uow.rooms.remove(room.id)


async def say(store: Store, room: Room, author: User, **fields: Any) -> RoomMessage:
    async with store.transactions.begin() as uow:
        number = await uow.rooms.next_number(room.id)
        assert number is not None
        said = RoomMessage(id=uuid4(), room_id=room.id, number=number, author_id=author.id, text="Hi", at=NOW)
        said = replace(said, **fields)
        await uow.rooms.say(said)
    return said


def shown(said: RoomMessage, room: Room, author: User) -> RoomMessageView:
    name = author.username if author.first_name is None else f"{author.first_name} {author.last_name}"
    return RoomMessageView(
        id=said.id, room=room.name, author=AuthorView(author.id, author.username, name), text=said.text, at=said.at
    )


async def test_a_room_is_shown(store: Store) -> None:
    room = a_room("board", permission="users:read")
    await open_rooms(store, room, a_room())
    assert await store.live.room("board") == RoomView.of(room)
    for name in ("bored", "", "\0", "\ud800"):
        assert await store.live.room(name) is None


names = st.sampled_from(["users:read", "users:*", "*", "posts:read"])


@examples
@given(
    st.lists(st.tuples(st.none() | names, st.integers(0, 2)), max_size=8),
    st.none() | st.frozensets(names),
    st.integers(1, 4),
)
async def test_rooms_are_listed_for_who_may_enter(
    store: Store, made: list[tuple[str | None, int]], held: frozenset[str] | None, size: int
) -> None:
    opened = [
        a_room(f"r{n}", permission=permission, created_at=NOW + second * SECOND)
        for n, (permission, second) in enumerate(made)
    ]
    await open_rooms(store, *opened)
    found: list[Row[RoomView]] = []
    after: Position | None = None
    while rows := await store.live.rooms(held, after=after, offset=0, limit=size):
        found += rows
        after = rows[-1].position
    count = await store.live.count_rooms(held)
    second_page = await store.live.rooms(held, after=None, offset=size, limit=size)
    await close(store, *opened)
    entered = [room for room in opened if held is None or room.permission is None or room.permission in held]
    expected = sorted(entered, key=lambda room: (room.created_at, room.id), reverse=True)
    assert [row.value for row in found] == [RoomView.of(room) for room in expected]
    assert second_page == found[size : 2 * size]
    assert count == len(expected)


async def test_what_was_said_is_shown_with_who_said_it(store: Store) -> None:
    ada, bob = a_user("ada", username="ada", first_name="Ada", last_name="L"), a_user("bob", username="bob")
    room, other = a_room(), a_room("other")
    await add(store, ada, bob)
    await open_rooms(store, room, other)
    said = [
        await say(store, room, author, text=f"{n}\n\t👋", at=NOW - n * SECOND)
        for n, author in enumerate((ada, bob, ada, bob))
    ]
    await say(store, other, ada)
    views = [Numbered(n + 1, shown(each, room, (ada, bob)[n % 2])) for n, each in enumerate(said)]
    live = store.live
    assert await live.said_after(room.id, 0, 10) == views
    assert await live.said_after(room.id, 1, 2) == views[1:3]
    assert await live.said_after(room.id, 4, 10) == []
    assert await live.last_said(room.id, 2) == views[2:]
    assert await live.last_said(room.id, 10) == views
    assert await live.last_said(uuid4(), 10) == await live.said_after(uuid4(), 0, 10) == []


async def test_the_latest_numbers_of_rooms_are_told(store: Store) -> None:
    ada, quiet, loud = a_user(), a_room("quiet"), a_room("loud")
    await add(store, ada)
    await open_rooms(store, quiet, loud)
    for _ in range(3):
        await say(store, loud, ada)
    assert await store.live.room_numbers([quiet.id, loud.id, uuid4()]) == {quiet.id: 0, loud.id: 3}
    assert await store.live.room_numbers([]) == {}


@examples
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 2)), max_size=8), st.integers(1, 3))
async def test_what_one_member_said_is_listed(store: Store, taken: list[tuple[bool, bool, int]], size: int) -> None:
    """Each by who said it, where, and when."""
    ada, bob = users = [a_user("ada"), a_user("bob")]
    opened = [a_room("one"), a_room("two")]
    await add(store, *users)
    await open_rooms(store, *opened)
    said = []
    for by_bob, there, second in taken:
        author, room = users[by_bob], opened[there]
        said.append((author, await say(store, room, author, at=NOW + second * SECOND), room))
    found: list[RoomMessageView] = []
    after: Position | None = None
    while rows := await store.live.said_by(ada.id, after=after, offset=0, limit=size):
        found += [row.value for row in rows]
        after = rows[-1].position
    await close(store, *opened)
    await remove(store, ada, bob)
    expected = [shown(message, room, author) for author, message, room in said if author is ada]
    assert found == sorted(expected, key=lambda view: (view.at, view.id), reverse=True)


async def test_inboxes_tell_the_latest_number_and_what_is_unread(store: Store) -> None:
    ada, bob, eve = users = [a_user(name) for name in ("ada", "bob", "eve")]
    await add(store, *users)
    for user in (ada, ada, bob, ada):
        async with store.transactions.begin() as uow:
            await uow.notifications.add(a_notification(user))
    async with store.transactions.begin() as uow:
        await uow.notifications.mark_all_read(bob.id, NOW)
    stranger = uuid4()
    assert await store.live.inboxes([ada.id, bob.id, eve.id, stranger]) == {
        ada.id: InboxState(3, 3),
        bob.id: InboxState(1, 0),
        eve.id: InboxState(0, 0),
        stranger: InboxState(0, 0),
    }
    assert await store.live.inboxes([]) == {}


async def test_what_is_swept_takes_no_number_back(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    async with store.transactions.begin() as uow:
        await uow.notifications.add(a_notification(ada, created_at=NOW - 9 * SECOND))
        assert await uow.notifications.remove_old(read_before=NOW, before=NOW, limit=10) == 1
        assert await uow.notifications.add(a_notification(ada)) == 2
    assert (await store.live.inboxes([ada.id]))[ada.id] == InboxState(2, 1)


async def test_notifications_come_in_the_order_of_their_numbers(store: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(store, ada, bob)
    broadcast = Broadcast(id=uuid4(), title="To all", body="Of you", created_at=NOW)
    told = [a_notification(ada, created_at=NOW - n * SECOND, title=f"{n}") for n in range(3)]
    async with store.transactions.begin() as uow:
        for each in told:
            await uow.notifications.add(each)
        await uow.notifications.add(a_notification(bob))
        await uow.broadcasts.add(broadcast)
        await uow.broadcasts.deliver(broadcast, [(uuid4(), ada.id)], NOW)
    found = await store.live.notifications_after(ada.id, 0, 10)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert [each.value for each in found[:3]] == [NotificationView.of(each) for each in told]
    assert (found[3].value.title, found[3].value.kind) == ("To all", Kind.BROADCAST.value)
    assert await store.live.notifications_after(ada.id, 1, 2) == found[1:3]
    assert await store.live.notifications_after(ada.id, 4, 10) == []


async def test_jobs_are_the_unfinished_ones_of_members_and_those_that_are_asked_for(store: Store) -> None:
    ada = a_user()
    await add(store, ada)

    def job(second: int, **fields: Any) -> Job:
        return a_job(created_at=NOW + second * SECOND, **fields)

    waiting, running = job(0, owner_id=ada.id), job(1, owner_id=ada.id, progress=Progress(3, 9, 1))
    running = running.claimed(NOW, uuid4(), NOW + SECOND)
    done, forgotten = (job(n, owner_id=ada.id).succeeded(NOW, {"n": [1]}) for n in (2, 3))
    nobodys, nobodys_done = job(4), job(5).succeeded(NOW)
    event = an_event()
    async with store.transactions.begin() as uow:
        await uow.events.add(event)
    delivery = job(6, emitted=event)
    await add_jobs(store, waiting, running, done, forgotten, nobodys, nobodys_done, delivery)
    unfinished = [JobView.of(waiting), JobView.of(running)]
    assert await store.live.jobs([]) == unfinished
    asked = [done.id, nobodys_done.id, waiting.id, delivery.id, uuid4()]
    assert await store.live.jobs(asked) == [*unfinished, JobView.of(done), JobView.of(nobodys_done)]


@pytest.mark.parametrize("many", [live_queries.FEW, live_queries.FEW + 1, 40_000])
async def test_any_number_may_be_asked_for(database: Store, many: int) -> None:
    """More than one statement takes parameters, on SQLite as on PostgreSQL."""
    ada, room = a_user(), a_room()
    await add(database, ada)
    await open_rooms(database, room)
    job = a_job(owner_id=ada.id).succeeded(NOW)
    await add_jobs(database, job)
    strangers = [uuid4() for _ in range(many - 1)]
    assert await database.live.room_numbers([*strangers, room.id]) == {room.id: 0}
    states = await database.live.inboxes([*strangers, ada.id])
    assert (len(states), states[ada.id]) == (many, InboxState(0, 0))
    assert await database.live.jobs([*strangers, job.id]) == [JobView.of(job)]


@pytest.fixture
async def crowd(database: Store) -> tuple[Store, User, Room]:
    """One member and one room among very many."""
    ada = a_user("ada")
    others = [a_user(f"m{n}") for n in range(200)]
    room = a_room()
    rooms = [
        {"id": uuid4(), "name": f"r{n}", "title": "R", "created_at": NOW - n * SECOND, "last_number": 9}
        for n in range(5_000)
    ]
    await add(database, ada, *others)
    await open_rooms(database, room)
    assert database.engine is not None

    ids = [room.id, *(row["id"] for row in rooms)]
    places = [(n, ids[n % 200], (ada, *others)[n % 97]) for n in range(20_000)]
    messages = [
        {"room_id": room_id, "number": n, "id": uuid4(), "author_id": author.id, "text": "Hi", "at": NOW + n * SECOND}
        for n, room_id, author in places
    ]
    told = [
        {"id": uuid4(), "user_id": (ada, *others)[n % 201].id, "number": n, "created_at": NOW + n * SECOND}
        for n in range(20_000)
    ]
    done = [
        {"id": uuid4(), "owner_id": (ada, *others)[n % 201].id, "created_at": NOW, "finished_at": NOW}
        for n in range(20_000)
    ]
    is_done = {"kind": "work", "args": "{}", "status": "succeeded", "attempts": 1, "strikes": 1}
    async with database.engine.begin() as connection:
        await connection.execute(insert(tables.rooms), rooms)
        await connection.execute(insert(tables.room_messages), messages)
        await connection.execute(
            insert(tables.notifications).values(kind="message", title="Hi", body="", read_at=NOW), told
        )
        await connection.execute(
            insert(tables.jobs).values(cancel_requested=False, progress_done=0, progress_rejected=0, **is_done), done
        )
    await add_jobs(database, *(a_job(owner_id=ada.id) for _ in range(5)))
    async with database.transactions.begin() as uow:
        await uow.rooms.next_number(room.id)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")
    return database, ada, room


Ask = Callable[[Store, User, Room], Awaitable[object]]
some = [uuid4() for _ in range(5)]
there = Position(NOW + 900 * SECOND, UUID(int=0))
ASKED: dict[str, tuple[Ask, str, int]] = {
    "room": (lambda store, _, room: store.live.room(room.name), "rooms", 1),
    "rooms": (lambda store, _, __: store.live.rooms([], after=None, offset=0, limit=10), "rooms", 10),
    "numbers": (lambda store, _, room: store.live.room_numbers([room.id, *some]), "rooms", 6),
    "last said": (lambda store, _, room: store.live.last_said(room.id, 10), "room_messages", 10),
    "said after": (lambda store, _, room: store.live.said_after(room.id, 9_000, 10), "room_messages", 10),
    "said by": (
        lambda store, ada, _: store.live.said_by(ada.id, after=there, offset=0, limit=10),
        "room_messages",
        10,
    ),
    "inboxes": (lambda store, ada, _: store.live.inboxes([ada.id, *some]), "notifications", 1),
    "told after": (lambda store, ada, _: store.live.notifications_after(ada.id, 9_000, 10), "notifications", 10),
    "jobs": (lambda store, _, __: store.live.jobs(some), "jobs", 20),
}  # fmt: skip


async def test_everything_is_found_by_an_index(
    crowd: tuple[Store, User, Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one statement each, that reads no more rows than it answers with."""
    store, ada, room = crowd
    reader: Any = vars(store.live)["_reader"]
    monkeypatch.setattr(reader, "look_up", reader.search)  # what goes to the driver is not heard of
    asked = Asked.on(store.engine)
    for name, (ask, table, most) in ASKED.items():
        asked.statements.clear()
        await ask(store, ada, room)
        assert len(asked.statements) == 1, name
        if store.name == POSTGRESQL:
            done = await asked.done()
            assert done.rows_read_from(table) <= most, (name, done.steps)
        else:
            plan = await asked.plan()
            assert not [step for step in plan if step.startswith(f"SCAN {table}") and "INDEX" not in step], (name, plan)
            assert name == "jobs" or not [step for step in plan if "TEMP B-TREE FOR ORDER" in step], (name, plan)

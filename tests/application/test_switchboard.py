"""The switchboard of one process, on a store in memory: what happens while something else is on its way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from adapters.hubs import LocalHub
from adapters.memory import (
    MemoryAccessQueries,
    MemoryDatabase,
    MemoryIdentityQueries,
    MemoryJobQueries,
    MemoryLiveQueries,
    MemoryTransactions,
)
from adapters.system import Uuid7Ids
from application.identity.caller import IdentifyCaller
from application.identity.known_callers import KnownCallers
from application.jobs.telling import tell_job
from application.jobs.views import JobFilters, JobView
from application.live import switchboard as module
from application.live.connection import Connection
from application.live.outgoing import Ending, Outgoing
from application.live.plain import as_plain
from application.live.presence import Presence
from application.live.rooms import Say
from application.live.switchboard import Switchboard
from application.live.telling import TellingTransactions
from application.live.told import Told, Topic
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position, Row
from domain.access.actor import Actor, member
from domain.errors import Conflict, NotFound, Unavailable
from domain.jobs.job import Job, Status
from domain.live.cursor import Cursor, read_cursors
from domain.live.room import SHOWN_ON_JOINING
from tests.clock import OwnClock
from tests.contracts.builders import a_job, a_notification, a_room, a_session, a_user

Meanwhile = Callable[[], Awaitable[None]]


PERSON = {"id": "elsewhere", "username": "elsewhere", "full_name": None}


class Queries(MemoryLiveQueries):
    """`meanwhile` is what happens, once, while an answer of the query of that name is on its way."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database)
        self.meanwhile: dict[str, Meanwhile] = {}

    async def room(self, name: str) -> RoomView | None:
        found = await super().room(name)
        await self._wait("room")
        return found

    async def last_said(self, room_id: UUID, limit: int) -> list[Numbered[RoomMessageView]]:
        await self._wait("before last_said")
        found = await super().last_said(room_id, limit)
        await self._wait("last_said")
        return found

    async def said_after(self, room_id: UUID, number: int, limit: int) -> list[Numbered[RoomMessageView]]:
        found = await super().said_after(room_id, number, limit)
        await self._wait("said_after")
        return found

    async def inboxes(self, user_ids: Collection[UUID]) -> Mapping[UUID, InboxState]:
        found = await super().inboxes(user_ids)
        await self._wait("inboxes")
        return found

    async def notifications_after(self, user_id: UUID, number: int, limit: int) -> list[Numbered[NotificationView]]:
        found = await super().notifications_after(user_id, number, limit)
        await self._wait("notifications_after")
        return found

    async def jobs(self, job_ids: Collection[UUID]) -> list[JobView]:
        found = await super().jobs(job_ids)
        await self._wait("jobs")
        return found

    async def _wait(self, name: str) -> None:
        happens = self.meanwhile.pop(name, None)
        if happens is not None:
            await happens()


class Client:
    """What one client was told. `reads` False: it takes nothing, and is put out with the next message. `drains` is how
    it takes what waits."""

    def __init__(self, switchboard: Switchboard, actor: Actor, name: str) -> None:
        self.told: list[dict[str, Any]] = []
        self.ending: Ending | None = None
        self.reads = True
        self.fails = False
        self.drains: Meanwhile = partial(asyncio.sleep, 0)
        person = {"id": name, "username": name, "full_name": None}
        self.connection = Connection(
            switchboard, actor, tell=self._take, end=self._end, drained=self._drained, person=person
        )

    def all_of(self, kind: str, field: str) -> list[Any]:
        return [message[field] for message in self.told if message["type"] == kind]

    def _take(self, outgoing: Outgoing) -> None:
        if self.fails:
            raise OSError("The network is unplugged.")
        if not self.reads:
            self.connection.end(Ending.TOO_SLOW)
        elif self.ending is None:
            self.told.append(outgoing.message)

    def _end(self, ending: Ending) -> None:
        self.ending = ending

    async def _drained(self) -> None:
        await self.drains()


class Jobs(MemoryJobQueries):
    """The same for the jobs of one member."""

    meanwhile: Meanwhile | None = None

    async def jobs(self, filters: JobFilters, *, after: Position | None, offset: int, limit: int) -> list[Row[JobView]]:
        found = await super().jobs(filters, after=after, offset=offset, limit=limit)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return found


class Ether(LocalHub):
    """A hub that hears other processes, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = False

    def is_whole(self) -> bool:
        return self.whole


class House:
    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.clock, self.hub, ids = OwnClock(), Ether(), Uuid7Ids()
        self.transactions = TellingTransactions(MemoryTransactions(self.database), self.hub)
        self.queries = Queries(self.database)
        self.jobs = Jobs(self.database)
        self.known = KnownCallers(
            MemoryIdentityQueries(self.database),
            MemoryAccessQueries(self.database),
            MemoryTransactions(self.database).changes,
        )
        self.switchboard = Switchboard(
            self.hub,
            self.queries,
            self.jobs,
            self.known,
            cast(IdentifyCaller, None),
            Say(self.transactions, self.queries, self.known, self.clock, ids),
            self.clock,
            ids,
        )

    async def member(self) -> Actor:
        user = a_user(uuid4().hex)
        session = a_session(user, expires_at=self.clock.now().replace(year=9000))
        async with self.transactions.begin() as uow:
            await uow.users.add(user)
            await uow.sessions.add(session)
        return member(user.id, frozenset(), session_id=session.id, signed_in_at=user.created_at)

    async def rooms(self, *names: str) -> None:
        async with self.transactions.begin() as uow:
            for name in names:
                await uow.rooms.add(a_room(name))

    async def enter(self, actor: Actor, name: str, *rooms: str) -> Client:
        client = Client(self.switchboard, actor, name)
        await client.connection.open({})
        for room in rooms:
            await client.connection.join(room, {})
        return client

    async def close(self, room: str = "lobby") -> None:
        async with self.transactions.begin() as uow:
            found = await uow.rooms.get(room)
            assert found is not None
            await uow.rooms.remove(found.id)
            uow.told.append(Told(Topic.ROOM, found.id, {"closed": True}))

    async def notify(self, actor: Actor, *, heard: bool = True) -> None:
        assert actor.user_id is not None
        made = a_notification(a_user(id=actor.user_id))
        async with self.transactions.begin() as uow:
            number = await uow.notifications.add(made)
            if heard:
                told = {"number": number, "notification": as_plain(NotificationView.of(made))}
                uow.told.append(Told(Topic.INBOX, actor.user_id, told))

    async def read_all(self, actor: Actor) -> None:
        assert actor.user_id is not None
        async with self.transactions.begin() as uow:
            await uow.notifications.mark_all_read(actor.user_id, self.clock.now())
            uow.told.append(Told(Topic.INBOX, actor.user_id, {}))

    async def begin(self, actor: Actor) -> Job:
        job = a_job(owner_id=actor.user_id)
        async with self.transactions.begin() as uow:
            await uow.jobs.add(job)
            tell_job(uow, job)
        return job

    async def finish(self, job: Job) -> None:
        await self.save(replace(job, status=Status.SUCCEEDED, finished_at=self.clock.now()))

    async def save(self, job: Job, *, heard: bool = True) -> None:
        async with self.transactions.begin() as uow:
            await uow.jobs.get(job.id)
            await uow.jobs.save(job)
            if heard:
                tell_job(uow, job)

    async def sign_out(self, actor: Actor) -> None:
        assert actor.user_id is not None
        assert actor.session_id is not None
        async with self.transactions.begin() as uow:
            await uow.users.get(actor.user_id)
            await uow.sessions.remove(actor.session_id)

    async def say(self, actor: Actor, text: str, room: str = "lobby") -> None:
        await self.switchboard.say(actor, room=room, text=text)


@pytest.fixture
async def house() -> House:
    return House()


@pytest.fixture
async def ada(house: House) -> Actor:
    await house.rooms("lobby")
    return await house.member()


def then(*happenings: Meanwhile) -> Meanwhile:
    """One after the other."""

    async def happen() -> None:
        for happens in (*happenings, turns):
            await happens()

    return happen


def cursors(client: Client, kind: str = "joined") -> Mapping[str, Cursor]:
    """Where it was when it was last told this."""
    return read_cursors(client.all_of(kind, "cursor")[-1])


async def turns() -> None:
    """What is to be done at once is done."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_those_who_do_not_read_are_put_out_and_everybody_else_is_told(house: House, ada: Actor) -> None:
    """Their leaving is told in turn to others who do not read, through one room after the other."""
    rooms = [f"r{number}" for number in range(20)]
    await house.rooms(*rooms)
    stalled = [
        await house.enter(ada, f"{room}-{number}", room, following)
        for room, following in zip(rooms, [*rooms[1:], "lobby"], strict=True)
        for number in range(20)
    ]
    readers = [await house.enter(ada, f"reader {number}", "r0", "lobby") for number in range(5)]
    for client in stalled:
        client.reads = False
    await house.say(ada, "hello", "r0")
    await turns()
    assert [reader.all_of("message", "text") for reader in readers] == [["hello"]] * 5
    assert {client.ending for client in stalled} == {Ending.TOO_SLOW}
    assert house.switchboard.connections == 5
    readers[0].connection.who("lobby")
    assert readers[0].told[-1]["count"] == 5


async def test_one_who_cannot_be_told_spoils_nothing_for_others(house: House, ada: Actor) -> None:
    clients = [await house.enter(ada, name, "lobby") for name in ("a", "b", "c")]
    for broken in clients:
        broken.fails = True
        await house.say(ada, "hello")
        broken.fails = False
        await turns()
        assert broken.ending is not None
        assert broken.all_of("message", "text") == ["hello"] * clients.index(broken)


async def test_what_is_said_while_somebody_comes_is_told_to_all_in_the_room(house: House, ada: Actor) -> None:
    """More than is shown to who comes; and then some while that is told to the others."""
    before = await house.enter(ada, "before", "lobby")

    async def more_is_said() -> None:
        await house.say(ada, "last but one")
        await house.say(ada, "last")

    async def much_is_said() -> None:
        for number in range(SHOWN_ON_JOINING + 10):
            await house.say(ada, f"{number}")

    house.queries.meanwhile["before last_said"] = much_is_said
    house.queries.meanwhile["last_said"] = more_is_said
    after = await house.enter(ada, "after", "lobby")
    await turns()
    said = [*map(str, range(SHOWN_ON_JOINING + 10)), "last but one", "last"]
    assert before.all_of("message", "text") == said
    [shown] = after.all_of("joined", "messages")
    assert [message["text"] for message in shown] + after.all_of("message", "text") == said[-SHOWN_ON_JOINING:]


@pytest.mark.parametrize("on_its_way", ["room", "last_said", "said_after"])
async def test_a_room_that_is_closed_while_somebody_comes_keeps_nobody(
    house: House, ada: Actor, on_its_way: str
) -> None:
    before = await house.enter(ada, "before", "lobby")
    since = cursors(before) if on_its_way == "said_after" else {}
    after = await house.enter(ada, "after")
    house.queries.meanwhile[on_its_way] = house.close
    with pytest.raises(NotFound):
        await after.connection.join("lobby", since)
    assert before.all_of("left", "code") == ["room-closed"]
    assert after.all_of("left", "code") == (["room-closed"] if on_its_way != "room" else [])
    with pytest.raises(Conflict):
        after.connection.who("lobby")
    assert len(after.all_of("joined", "here")) == (on_its_way == "said_after")


async def test_who_joins_many_rooms_takes_what_waits_before_each(house: House, ada: Actor) -> None:
    client = await house.enter(ada, "ada")
    waiting: list[int] = []

    async def drain() -> None:
        waiting.append(len(client.told))
        client.told.clear()

    client.drains = drain
    await house.rooms("r0", "r1")
    for room in ("lobby", "r0", "r1"):
        await client.connection.join(room, {})
    assert waiting == [1, 1, 1]


async def test_who_is_gone_joins_nothing(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    client = await house.enter(ada, "ada")

    async def leave() -> None:
        client.connection.close()

    client.drains = leave
    for _ in range(2):
        await client.connection.join("lobby", {})
    client.connection.close()
    other.connection.who("lobby")
    assert other.told[-1]["count"] == 1
    assert len(client.told) == 1


async def test_who_goes_while_they_come_is_not_there(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    client = await house.enter(ada, "ada")

    async def leave() -> None:
        client.connection.close()

    house.queries.meanwhile["last_said"] = leave
    with pytest.raises(NotFound):
        await client.connection.join("lobby", {})
    other.connection.who("lobby")
    assert other.told[-1]["count"] == 1


async def ticks(house: House, times: int = 1) -> None:
    for _ in range(times):
        await house.switchboard.tick()
        await turns()


async def test_it_looks_soon_when_others_are_not_heard_any_more_and_after_a_look_that_failed(
    house: House, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 1000.0)
    monkeypatch.setattr(module, "LOOK_EVERY_ALONE", 0.0)
    house.hub.whole = True
    await house.enter(ada, "ada", "lobby")
    looks = 0

    async def a_look() -> None:
        nonlocal looks
        looks += 1
        if looks == 4:
            raise Unavailable("database-unavailable", "away")

    monkeypatch.setattr(house.switchboard, "look", a_look)
    await ticks(house, 3)
    assert looks == 1
    house.hub.whole = False
    await ticks(house, 2)
    assert looks == 3
    await ticks(house)
    house.hub.whole = True
    await ticks(house, 3)
    assert looks == 5
    house.hub.publish(Told(Topic.INBOXES, uuid4(), {}))
    await ticks(house, 3)
    assert looks == 6


async def test_who_is_signed_out_goes_however_long_a_look_takes(
    house: House, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_ALONE", 0.0)
    monkeypatch.setattr(module, "REST", 0.0)
    client = await house.enter(ada, "ada")
    looks, is_read = 0, asyncio.Event()

    async def a_long_look() -> None:
        nonlocal looks
        looks += 1
        await is_read.wait()

    monkeypatch.setattr(house.switchboard, "look", a_long_look)
    async with asyncio.timeout(10):
        await ticks(house, 3)
    assert looks == 1
    await house.sign_out(ada)
    await ticks(house)
    assert client.ending is Ending.SIGNED_OUT
    is_read.set()
    await turns()
    await ticks(house)
    assert looks == 2


async def test_a_look_does_not_tell_how_many_were_unread_before(house: House, ada: Actor) -> None:
    client = await house.enter(ada, "ada")

    await house.notify(ada)
    house.queries.meanwhile["inboxes"] = then(partial(house.read_all, ada))
    await house.switchboard.look()
    assert client.all_of("unread", "unread") == [0]


async def test_a_look_tells_what_was_not_heard(house: House, ada: Actor) -> None:
    members = [ada, *[await house.member() for _ in range(20)]]
    clients = [await house.enter(actor, f"{number}") for number, actor in enumerate(members)]
    for actor in members:
        await house.notify(actor, heard=False)
    await house.switchboard.look()
    assert [client.all_of("notification", "unread") for client in clients] == [[1]] * len(members)


async def test_while_the_store_is_away_others_hear_that_this_process_lives(
    house: House, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await house.enter(ada, "ada", "lobby")
    heard: list[Told] = []
    house.hub.listen(heard.append, on_gap=lambda: None)
    room_id = next(iter(house.database.rooms))
    house.hub.publish(Told(Topic.PRESENCE, room_id, {"from": "b", "version": 1, "came": [PERSON], "went": []}))
    monkeypatch.setattr("application.live.presence.FORGOTTEN_AFTER", -1.0)
    house.hub.publish(Told(Topic.PRESENCE, room_id, {"from": "b", "version": 1}))

    async def away(*_: object) -> None:
        raise Unavailable("database-unavailable", "away")

    monkeypatch.setattr(house.known, "live_sessions", away)
    with pytest.raises(Unavailable):
        await house.switchboard.tick()
    assert set(heard[-1].data) == {"from", "version"}
    assert heard[-1].data["from"] != "b"
    assert client.told[-1] == {"type": "left", "room": "lobby", "user": PERSON, "count": 1}


async def test_where_nobody_came_or_went_nobody_is_counted(
    house: House, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.enter(ada, "ada", "lobby")
    counted: list[Presence] = []
    monkeypatch.setattr(Presence, "people", property(counted.append))
    await ticks(house)
    assert counted == []


async def test_a_job_does_not_go_back_while_a_look_reads(house: House, ada: Actor) -> None:
    client = await house.enter(ada, "ada")
    job = await house.begin(ada)
    house.queries.meanwhile["jobs"] = partial(house.finish, job)
    await house.switchboard.look()
    await house.switchboard.look()
    assert client.all_of("job", "status") == ["queued", "succeeded"]


async def test_a_job_does_not_go_back_while_one_comes(house: House, ada: Actor) -> None:
    before = await house.enter(ada, "before")
    job = await house.begin(ada)
    house.jobs.meanwhile = partial(house.finish, job)
    after = await house.enter(ada, "after")
    await house.switchboard.look()
    assert before.all_of("job", "status") == ["queued", "succeeded"]
    assert after.all_of("job", "status") == ["succeeded"]


async def test_what_one_who_comes_finds_of_jobs_is_told_to_their_other_clients(house: House, ada: Actor) -> None:
    before = await house.enter(ada, "before")
    job = await house.begin(ada)
    await house.save(replace(job, status=Status.RUNNING), heard=False)
    after = await house.enter(ada, "after")
    await house.switchboard.look()
    assert before.all_of("job", "status") == ["queued", "running"]
    assert after.all_of("job", "status") == ["running"]


@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize("missed", [0, 3, 30])
@pytest.mark.parametrize(("reads", "more"), [(True, 0), (True, 2), (False, 11)])
async def test_who_comes_back_knows_how_many_are_unread(
    house: House, ada: Actor, missed: int, others: bool, reads: bool, more: int
) -> None:
    """Some are read, and some come, while they are told what they missed."""
    await house.notify(ada)
    other = await house.enter(ada, "other")
    since = cursors(other, "ready")
    if not others:
        other.connection.close()
    for _ in range(missed):
        await house.notify(ada)
    read = [partial(house.read_all, ada)] if reads else []
    house.queries.meanwhile["notifications_after"] = then(*read, *[partial(house.notify, ada)] * more)
    back = Client(house.switchboard, ada, "ada")
    await back.connection.open(since)
    await turns()
    assert len(back.all_of("notification", "id")) == missed + more
    assert [message["unread"] for message in back.told if "unread" in message][-1] == more + (
        0 if reads else 1 + missed
    )


async def test_who_comes_back_is_not_told_what_they_know(house: House, ada: Actor) -> None:
    since = cursors(await house.enter(ada, "ada", "lobby"), "ready")
    for _ in range(30):
        await house.notify(ada)
    house.queries.meanwhile["notifications_after"] = then(partial(house.notify, ada))
    back = Client(house.switchboard, ada, "ada")
    await back.connection.open(since)
    assert [message["type"] for message in back.told] == ["ready", *["notification"] * 31]


@pytest.mark.parametrize("moves", [True, False])
async def test_who_comes_back_into_a_room_knows_who_went_meanwhile(house: House, ada: Actor, moves: bool) -> None:
    since = cursors(await house.enter(ada, "first", "lobby"))
    other = await house.enter(ada, "other", "lobby")
    for number in range(30):
        await house.say(ada, f"{number}")

    async def other_leaves() -> None:
        if moves:
            other.connection.leave("lobby")

    house.queries.meanwhile["said_after"] = other_leaves
    back = await house.enter(ada, "back")
    await back.connection.join("lobby", since)
    assert back.all_of("joined", "count") == [3]
    assert len(back.all_of("message", "text")) == 30
    assert back.all_of("here", "count") == ([2] if moves else [])


async def test_who_goes_while_they_come_back_is_told_nothing_more(house: House, ada: Actor) -> None:
    other = await house.enter(ada, "other", "lobby")
    since = cursors(other)
    await house.say(ada, "missed")
    back = await house.enter(ada, "back")

    async def leave() -> None:
        back.connection.close()

    house.queries.meanwhile["said_after"] = leave
    await back.connection.join("lobby", since)
    await house.say(ada, "more")
    assert other.all_of("message", "text") == ["missed", "more"]
    found = await house.queries.room("lobby")
    assert found is not None
    assert len(house.switchboard.occupied(found).followers) == 1

"""The switchboard of one process: who is put out, what a look finds, and what others are told meanwhile."""

import asyncio
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest

from application.live import switchboard as module
from application.live.outgoing import Ending
from application.live.presence import Presence
from application.live.told import Told, Topic
from domain.access.actor import Actor
from domain.errors import Unavailable
from domain.jobs.job import Status
from tests.application.live_house import House, then, turns

PERSON = {"id": "elsewhere", "username": "elsewhere", "full_name": None}


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


async def test_those_who_were_there_before_are_not_told_as_if_they_came(house: House, ada: Actor) -> None:
    """Another process answers who is there; later it tells it again."""
    client = await house.enter(ada, "ada", "lobby")
    room_id = next(iter(house.database.rooms))

    def answer(version: int, *here: object) -> None:
        house.hub.publish(Told(Topic.PRESENCE, room_id, {"from": "b", "version": version, "here": here}))

    answer(7, PERSON, {**PERSON, "id": "another"})
    assert client.all_of("here", "count") == [3]
    answer(9, PERSON)
    assert [message["type"] for message in client.told] == ["ready", "joined", "here", "left"]

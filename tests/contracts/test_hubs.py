"""Hubs: of this process alone, and through Redis: one server, Sentinel's master, a Cluster."""

import asyncio
import json
import logging
import tracemalloc
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
from redis.exceptions import MovedError

from adapters.hubs import LocalHub
from adapters.hubs.shared import MOST_WAITING, SHARDS, SharedHub
from adapters.redis_client import Circuit, RedisServer, open_client
from application.live.ports import Hub
from application.live.told import Told, Topic
from tests.drills.redis_server import RedisServer as Server
from tests.drills.redis_server import redis_cluster, redis_sentinel, redis_server

LOCAL, ONE, SENTINEL, CLUSTER = "local", "one server", "Sentinel", "Cluster"
SHARED = (ONE, SENTINEL, CLUSTER)
PATIENT = 5.0
IMPATIENT = 0.2
NOWHERE = "redis://127.0.0.1:1"

Running = tuple[str, list[Server]]
"""A URL, and the servers that have the channels."""


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Running]:
    with ExitStack() as started:
        if kind == CLUSTER:
            nodes = started.enter_context(redis_cluster(folder, 3))
            yield f"redis+cluster://{','.join(node.place for node in nodes)}", nodes
            return
        server = started.enter_context(redis_server(folder / "server"))
        if kind == SENTINEL:
            sentinel = started.enter_context(redis_sentinel(folder / "sentinel", server))
            yield f"redis+sentinel://{sentinel.place}/mymaster", [server]
        else:
            yield server.url, [server]


@pytest.fixture(scope="module")
def place_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    """Servers that no test harms, started when they are first asked for."""
    with ExitStack() as started:
        yield cache(lambda kind: started.enter_context(running(kind, tmp_path_factory.mktemp("redis"))))


class House:
    """Hubs on one Redis, which hear each other and nobody else."""

    def __init__(self, place: Running, opened: AsyncExitStack, timeout: float = PATIENT) -> None:
        self._url, self.servers = place
        self._opened = opened
        self._timeout = timeout
        self._prefix = f"test:{uuid.uuid4()}"

    async def hub(self) -> SharedHub:
        return await self._opened.enter_async_context(shared_hub(self._url, self._timeout, self._prefix))

    async def listening(self) -> "tuple[SharedHub, Ear]":
        hub = await self.hub()
        ear = Ear(hub)
        await until(hub.is_whole)
        return hub, ear

    def subscriptions(self) -> dict[str, int]:
        """How many listen, by channel."""
        found: dict[str, int] = {}
        for server in self.servers:
            with server.client() as client:
                for kind in ("", "SHARD"):
                    channels = client.execute_command("PUBSUB", f"{kind}CHANNELS", f"{self._prefix}:*")
                    counts = client.execute_command("PUBSUB", f"{kind}NUMSUB", *channels)
                    found |= {name.decode(): n for name, n in zip(counts[::2], counts[1::2], strict=True)}
        return found

    def write(self, message: bytes) -> None:
        """To every channel, past the hubs."""
        channels = self.subscriptions()
        command = "PUBLISH" if len(self.servers) == 1 else "SPUBLISH"
        for server in self.servers:
            with server.client() as client:
                for channel in channels:
                    with suppress(MovedError):  # another node has it
                        client.execute_command(command, channel, message)


class Ear:
    """What was heard, and how often something may have been missed."""

    def __init__(self, hub: Hub) -> None:
        self.heard: list[Told] = []
        self.gaps = 0
        hub.listen(self.heard.append, on_gap=self._missed)

    def _missed(self) -> None:
        self.gaps += 1


@asynccontextmanager
async def shared_hub(url: str, patience: float = PATIENT, prefix: str = "test") -> AsyncIterator[SharedHub]:
    server = RedisServer.of(url)
    client = open_client(server, patience)
    circuit = Circuit(client, patience, rest=0.1)
    hub = SharedHub(client, circuit, server, patience, prefix=prefix)
    try:
        yield hub
    finally:
        await hub.close()
        await circuit.close()


@pytest.fixture(params=SHARED)
async def house(request: pytest.FixtureRequest, place_of: Callable[[str], Running]) -> AsyncIterator[House]:
    async with AsyncExitStack() as opened:
        yield House(place_of(request.param), opened)


@pytest.fixture(params=[ONE, CLUSTER])
async def frail(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """With servers of its own, which the test may harm."""
    with running(request.param, tmp_path) as place:
        async with AsyncExitStack() as opened:
            yield House(place, opened, IMPATIENT)


@pytest.fixture(params=[LOCAL, *SHARED])
async def hub(request: pytest.FixtureRequest, place_of: Callable[[str], Running]) -> AsyncIterator[Hub]:
    if request.param == LOCAL:
        yield LocalHub()
    else:
        async with AsyncExitStack() as opened:
            yield await House(place_of(request.param), opened).hub()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 (as whoever asks would see it)
            await asyncio.sleep(0.01)


async def until_heard(ear: Ear, teller: Hub) -> None:
    """Told again and again: what is told while Redis is away, or hardly back, is lost."""
    again = told(text="again")
    async with asyncio.timeout(60):
        while again not in ear.heard:
            teller.publish(again)
            await asyncio.sleep(0.1)


def told(number: int = 0, about: uuid.UUID | None = None, text: str = "Grüße 🎉") -> Told:
    return Told(Topic.ROOM, about or uuid.uuid4(), {"number": number, "text": text, "deep": [{"x": None}]})


async def test_who_listens_here_has_heard_it_at_once(hub: Hub) -> None:
    ears = [Ear(hub), Ear(hub)]
    things = [told(n) for n in range(3)]
    for thing in things:
        hub.publish(thing)
    assert [ear.heard for ear in ears] == [things, things]


async def test_a_listener_that_fails_harms_nobody(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Told) -> None:
        raise LookupError

    hub.listen(fail, on_gap=lambda: None)
    ear = Ear(hub)
    hub.publish(told(1))
    hub.publish(told(2))
    assert [each.data["number"] for each in ear.heard] == [1, 2]
    assert caplog.text.count("A listener failed") == 2


async def test_what_is_told_without_anybody_listening_is_no_failure(hub: Hub) -> None:
    hub.publish(told())


async def test_a_hub_of_one_process_is_never_whole() -> None:
    hub = LocalHub()
    ear = Ear(hub)
    await asyncio.sleep(0)
    assert not hub.is_whole()
    assert ear.gaps == 0


async def test_another_process_hears_it_in_order(house: House) -> None:
    teller = await house.hub()
    _, ear = await house.listening()
    rooms = [uuid.uuid4() for _ in range(5)]
    things = [told(n, rooms[n % 5]) for n in range(2000)]
    for n, thing in enumerate(things):
        teller.publish(thing)
        if n % 100 == 0:
            await asyncio.sleep(0.001)
    await until(lambda: len(ear.heard) >= len(things))
    for room in rooms:
        assert [each for each in ear.heard if each.about == room] == [each for each in things if each.about == room]


async def test_every_channel_is_heard(house: House) -> None:
    teller = await house.hub()
    _, ear = await house.listening()
    things = [told(n, uuid.UUID(int=n)) for n in range(SHARDS)]
    for thing in things:
        teller.publish(thing)
    await until(lambda: len(ear.heard) == SHARDS)
    assert sorted(ear.heard, key=lambda each: each.about) == things


async def test_nobody_hears_twice_what_it_told_itself(house: House) -> None:
    hub, ear = await house.listening()
    other, _ = await house.listening()
    about = uuid.uuid4()
    hub.publish(told(1, about))
    await asyncio.sleep(0.2)
    other.publish(told(2, about))
    await until(lambda: len(ear.heard) >= 2)
    assert [each.data["number"] for each in ear.heard] == [1, 2]


async def test_a_hub_is_whole_once_it_hears_the_others_and_says_that_something_was_missed(house: House) -> None:
    hub = await house.hub()
    assert not hub.is_whole()
    ear = Ear(hub)
    await until(hub.is_whole)
    assert ear.gaps == 1


async def test_a_failure_at_a_gap_harms_nobody(house: House) -> None:
    def fail() -> None:
        raise LookupError

    hub = await house.hub()
    hub.listen(lambda _: None, on_gap=fail)
    ear = Ear(hub)
    await until(hub.is_whole)
    assert ear.gaps == 1


async def test_only_who_listens_subscribes(house: House) -> None:
    _, ear = await house.listening()
    teller = await house.hub()
    teller.publish(told())
    await until(lambda: len(ear.heard) == 1)
    assert list(house.subscriptions().values()) == [1] * SHARDS
    assert not teller.is_whole()


async def test_what_cannot_be_read_harms_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    hub, ear = await house.listening()
    teller = await house.hub()
    known = {"origin": "x", "topic": "room", "about": uuid.uuid4().hex, "data": {}}
    odd: list[dict[str, object]] = [{"topic": 1}, {"about": "x"}, {"about": 1}, {"about": None}, {"data": []}]
    written = [json.dumps(known | change).encode() for change in odd]
    for message in (b"", b"\xff\xfe\x00", b"{", b"[]", b"1", b"null", b"{}", b"[" * 100_000, b"9" * 5000, *written):
        house.write(message)
    teller.publish(told(7))
    await until(lambda: len(ear.heard) > 0)
    assert [each.data["number"] for each in ear.heard] == [7]
    assert hub.is_whole()
    assert ear.gaps == 1
    assert caplog.text.count("cannot be read") == 1


async def test_a_later_version_may_say_more(house: House) -> None:
    _, ear = await house.listening()
    about = uuid.uuid4()
    message = {"origin": "x", "topic": "job", "about": about.hex, "data": {"a": 1}, "more": True}
    house.write(json.dumps(message).encode())
    await until(lambda: len(ear.heard) == SHARDS)
    assert ear.heard[0] == Told(Topic.JOB, about, {"a": 1})


async def test_closing_sends_what_waits_and_leaves_no_subscription(house: House) -> None:
    _, ear = await house.listening()
    hub, _ = await house.listening()
    things = [told(n, uuid.UUID(int=0)) for n in range(1000)]
    for thing in things:
        hub.publish(thing)
    await hub.close()
    await until(lambda: len(ear.heard) >= len(things))
    assert ear.heard == things
    await until(lambda: list(house.subscriptions().values()) == [1] * SHARDS)
    hub.publish(told())
    assert not hub.is_whole()


async def test_two_databases_of_one_server_do_not_hear_each_other(place_of: Callable[[str], Running]) -> None:
    _, [server] = place_of(ONE)
    prefix = f"test:{uuid.uuid4()}"
    urls = [f"redis://{server.place}/{number}" for number in (1, 2, 2)]
    async with AsyncExitStack() as opened:
        hubs = [await opened.enter_async_context(shared_hub(url, prefix=prefix)) for url in urls]
        ears = [Ear(hub) for hub in hubs[:2]]
        await until(lambda: all(hub.is_whole() for hub in hubs[:2]))
        hubs[2].publish(told())
        await until(lambda: len(ears[1].heard) == 1)
        assert ears[0].heard == []


async def test_where_telling_is_not_allowed_redis_is_not_taken_for_away(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        with server.client() as client:
            client.acl_setuser("ada", enabled=True, nopass=True, commands=["+@all"], keys=["*"], reset_channels=True)
        redis = RedisServer.of(f"redis://ada:x@{server.place}")
        client = open_client(redis, PATIENT)
        circuit = Circuit(client, PATIENT)
        hub = SharedHub(client, circuit, redis, PATIENT)
        ear = Ear(hub)
        hub.publish(told())
        await asyncio.sleep(0.5)
        await hub.close()
        assert circuit.is_reached()
        assert (len(ear.heard), ear.gaps) == (1, 0)
        await circuit.close()


async def test_a_hub_hears_again_once_redis_was_killed_and_started(frail: House) -> None:
    hub, ear = await frail.listening()
    teller = await frail.hub()
    frail.servers[0].kill()
    await until(lambda: not hub.is_whole())
    hub.publish(told(1))
    assert [each.data["number"] for each in ear.heard] == [1]
    frail.servers[0].start()
    await until(lambda: hub.is_whole() and ear.gaps > 1)
    await until_heard(ear, teller)


async def test_a_frozen_redis_is_noticed_and_heard_again(frail: House) -> None:
    hub, ear = await frail.listening()
    teller = await frail.hub()
    frail.servers[0].freeze()
    await until(lambda: not hub.is_whole())
    frail.servers[0].thaw()
    await until(lambda: hub.is_whole() and ear.gaps > 1)
    await until_heard(ear, teller)


async def test_a_connection_that_is_cut_is_a_gap(house: House) -> None:
    """Even where the library makes it anew by itself."""
    _, ear = await house.listening()
    teller = await house.hub()
    for gaps in (2, 3):
        for server in house.servers:
            with server.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda gaps=gaps: ear.gaps >= gaps)  # type: ignore[misc]
    await until_heard(ear, teller)


async def test_a_channel_that_moves_to_another_node_is_heard_there(tmp_path: Path) -> None:
    with running(CLUSTER, tmp_path) as (url, servers):
        async with AsyncExitStack() as opened:
            house = House((url, servers), opened)
            hub, ear = await house.listening()
            move(next(iter(house.subscriptions())), servers)
            await until(lambda: hub.is_whole() and ear.gaps > 1)
            teller = await house.hub()
            things = [told(n, uuid.UUID(int=n)) for n in range(SHARDS)]
            for thing in things:
                teller.publish(thing)
            await until(lambda: len(ear.heard) == SHARDS)


def move(channel: str, servers: list[Server]) -> None:
    """To the next node that has not got it."""
    with ExitStack() as opened:
        nodes = [opened.enter_context(server.client()) for server in servers]
        slot = nodes[0].execute_command("CLUSTER", "KEYSLOT", channel)
        names = [node.execute_command("CLUSTER", "MYID").decode() for node in nodes]
        source = 3 * slot // 16384
        target = (source + 1) % 3
        nodes[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
        nodes[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
        for node in (nodes[target], nodes[source], nodes[3 - source - target]):
            node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])


async def test_where_redis_is_away_from_the_start_a_hub_is_of_this_process_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with shared_hub(NOWHERE, IMPATIENT) as hub:
        ear = Ear(hub)
        for n in range(100):
            hub.publish(told(n))
            await asyncio.sleep(0.005)
        assert len(ear.heard) == 100
        assert (hub.is_whole(), ear.gaps) == (False, 0)
    assert caplog.text.count("told nothing") == 1
    assert caplog.text.count("not heard") == 1


@pytest.mark.parametrize("url", [NOWHERE, NOWHERE.replace("redis", "redis+cluster")])
async def test_what_waits_is_bounded(url: str) -> None:
    size, many = 2_000, 10_000
    async with shared_hub(url, IMPATIENT) as hub:
        tracemalloc.start()
        try:
            for n in range(many):
                hub.publish(told(text=f"{n}" * (size // len(f"{n}"))))
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 2 * size * MOST_WAITING < size * many


async def test_what_is_no_json_is_heard_here_and_nothing_fails(house: House, caplog: pytest.LogCaptureFixture) -> None:
    hub, here = await house.listening()
    _, there = await house.listening()
    hub.publish(Told(Topic.ROOM, uuid.uuid4(), {"when": object()}))
    hub.publish(told(2))
    await until(lambda: len(there.heard) == 1)
    assert there.heard[0].data["number"] == 2
    assert len(here.heard) == 2
    assert "cannot be told" in caplog.text


async def test_a_hub_that_was_never_used_closes(house: House) -> None:
    await (await house.hub()).close()


async def test_a_hub_may_be_closed_at_any_moment(house: House) -> None:
    for steps in range(40):
        hub = await house.hub()
        hub.listen(lambda _: None, on_gap=lambda: None)
        hub.publish(told())
        for _ in range(steps):
            await asyncio.sleep(0)
        await hub.close()
    await until(lambda: not house.subscriptions())

"""The live channel on two servers: with Redis, while Redis is away, and without any (S36)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.drills.redis_server import redis_server
from tests.entrypoints.http.client import OPERATOR
from tests.entrypoints.http.live import LiveServer, serving_live, write_to
from tests.limits import UNLIMITED, settings_with
from tests.stores import POSTGRESQL, SQLITE, database_url
from tests.waiting import until

Pair = tuple[LiveServer, LiveServer]


@asynccontextmanager
async def two_servers(store_name: str, settings: Settings, *, may_look: bool = True) -> AsyncIterator[Pair]:
    """Without `may_look` they do not look into the store: whatever comes was heard."""
    clock = OwnClock()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving_live(store_name, settings, clock=clock)) for _ in range(2)]
        for server in servers:
            switchboard = server.api.application.live.switchboard
            if settings.redis_url is not None:
                await until(switchboard.hears_others)
            if not may_look:
                switchboard.look = _look_at_nothing  # type: ignore[method-assign]
        yield servers[0], servers[1]


async def _look_at_nothing() -> None:
    """Whoever looks finds nothing."""


@pytest.fixture(params=[SQLITE, POSTGRESQL])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    """On one store, telling each other by Redis alone."""
    settings = settings_with(request.param, tmp_path, with_redis=True)
    async with two_servers(request.param, settings, may_look=False) as servers:
        yield servers


async def test_what_is_said_on_one_is_heard_on_the_other_in_order(pair: Pair) -> None:
    one, other = pair
    _, root = await one.api.admin()
    _, tokens = await one.api.member()
    await one.room(root)
    async with one.client(root) as speaker, other.client(tokens) as listener:
        await speaker.join("lobby")
        await listener.join("lobby")
        for number in range(20):
            await speaker.send("say", room="lobby", text=f"{number}")
        assert [(await listener.next("message"))["text"] for _ in range(20)] == [f"{number}" for number in range(20)]
        await listener.say("lobby", "and back")
        assert (await speaker.next("message", text="and back"))["room"] == "lobby"


async def test_a_notification_and_its_reading_are_known_on_both(pair: Pair) -> None:
    one, other = pair
    user, tokens = await one.api.member()
    async with one.client(tokens) as here, other.client(tokens) as there:
        await write_to(one, user, "Hello")
        for client in (here, there):
            assert (await client.next("notification"))["unread"] == 1
        await other.api.call("POST", "/notifications/read-all", as_=tokens)
        for client in (here, there):
            assert (await client.next("unread"))["unread"] == 0


async def test_who_comes_and_goes_is_known_on_both(pair: Pair) -> None:
    one, other = pair
    _, root = await one.api.admin()
    user, tokens = await one.api.member()
    await one.room(root)
    async with one.client(root) as here:
        await here.join("lobby")
        async with other.client(tokens) as there:
            joined = await there.join("lobby")
            if joined["count"] < 2:  # the other server had to be asked, or is just telling it
                await there.next(room="lobby", count=2)
            assert (await here.next("joined"))["user"]["id"] == user["id"]
            await there.send("who", room="lobby")
            assert {person["username"] for person in (await there.next("here"))["here"]} == {"ada", "root"}
        assert (await here.next("left"))["user"]["id"] == user["id"]


async def test_a_room_that_is_closed_on_one_is_closed_on_the_other(pair: Pair) -> None:
    one, other = pair
    _, root = await one.api.admin()
    await one.room(root)
    async with other.client(root) as client:
        await client.join("lobby")
        await one.api.call("DELETE", "/rooms/lobby", as_=root)
        assert (await client.next("left"))["code"] == "room-closed"


@pytest.mark.parametrize("how", ["logout", "demoted"])
async def test_whoever_may_not_stay_is_put_out_of_both(pair: Pair, how: str) -> None:
    one, other = pair
    user, tokens = await one.api.staff("staff", "users:read")
    async with one.client(tokens) as here, other.client(tokens) as there:
        if how == "logout":
            await other.api.call("POST", "/auth/logout", as_=tokens)
        else:
            await one.api.give(user, "member")
        for client in (here, there):
            assert await client.closed() == (4401 if how == "logout" else 4403)


async def test_the_progress_of_a_job_is_seen_on_both(pair: Pair) -> None:
    one, other = pair
    _, root = await one.api.admin()
    async with one.client(root) as here, other.client(root) as there:
        await one.api.call("POST", "/notifications/broadcast", as_=root, json={"title": "Hi", "body": "All"})
        await other.api.application.runner.drain()
        for client in (here, there):
            states = [(await client.next("job"))["status"] for _ in range(3)]
            assert states == ["queued", "running", "succeeded"]


@pytest.mark.parametrize("store_name", [SQLITE, POSTGRESQL])
async def test_without_redis_each_finds_in_the_store_what_the_other_did(store_name: str, tmp_path: Path) -> None:
    settings = settings_with(store_name, tmp_path, with_redis=False)
    async with two_servers(store_name, settings) as (one, other):
        _, root = await one.api.admin()
        user, tokens = await one.api.member()
        await one.room(root)
        async with one.client(root) as speaker, other.client(tokens) as listener:
            await speaker.join("lobby")
            await listener.join("lobby")
            for number in range(5):
                await speaker.say("lobby", f"{number}")
            assert [(await listener.next("message"))["text"] for _ in range(5)] == ["0", "1", "2", "3", "4"]
            await write_to(one, user, "Hello")
            assert (await listener.next("notification"))["unread"] == 1
            await one.api.call("POST", "/notifications/read-all", as_=tokens)
            assert (await listener.next("unread"))["unread"] == 0
            await one.api.application.notifications.broadcast_notification(OPERATOR, title="To all", body="Hello")
            await one.api.application.runner.drain()
            assert (await listener.next("notification"))["title"] == "To all"
            await one.api.call("DELETE", "/rooms/lobby", as_=root)
            assert (await listener.next("left"))["code"] == "room-closed"


async def test_while_redis_is_away_nothing_is_lost_and_then_all_is_as_before(tmp_path: Path) -> None:
    url = database_url(POSTGRESQL, tmp_path)
    with redis_server(tmp_path / "redis") as redis:
        settings = Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=url, redis_url=redis.url, **UNLIMITED)
        async with two_servers(POSTGRESQL, settings) as (one, other):
            _, root = await one.api.admin()
            _, tokens = await one.api.member()
            await one.room(root)
            async with one.client(root) as speaker, other.client(tokens) as listener:
                await speaker.join("lobby")
                await listener.join("lobby")
                for state in ("there", "killed", "back"):
                    if state == "killed":
                        await asyncio.to_thread(redis.kill)
                    if state == "back":
                        await asyncio.to_thread(redis.start)
                    for number in range(5):
                        await speaker.say("lobby", f"{state} {number}")
                    heard = [(await listener.next("message"))["text"] for _ in range(5)]
                    assert heard == [f"{state} {number}" for number in range(5)]
                switchboard = other.api.application.live.switchboard
                await until(switchboard.hears_others)
                switchboard.look = _look_at_nothing  # type: ignore[method-assign]
                await speaker.say("lobby", "heard again")
                assert (await listener.next("message"))["text"] == "heard again"

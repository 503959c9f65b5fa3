"""The network between clients of the live channel and their servers cut and restored: who comes back with a cursor
misses nothing, and gets nothing twice."""

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.drills.network import Network
from tests.drills.processes import Outcome
from tests.drills.servers import ROOT, TWO_SERVERS_AND_REDIS, Member, Pair, a_member, pair_of
from tests.project.server import HOST
from tests.waiting import until

LISTENERS = 10
NOTIFIED_EVERY = 10
"""Messages after which everybody gets a notification."""
PAUSE = (0.0, 0.03)
BETWEEN_CUTS = (0.05, 0.6)
COMES_BACK_AFTER = (0.0, 0.2)
"""Seconds."""
ROOM = "drill"


@dataclass
class Listener(ABC):
    """One who comes back whenever the connection is lost, on whichever server, with the last cursors."""

    member: Member
    port: int
    chance: random.Random
    heard: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    visits: int = 0

    async def listen(self) -> None:
        while True:
            try:
                await self._visit()
            except (OSError, WebSocketException, httpx.HTTPError, TimeoutError):
                self.visits += 1
            await asyncio.sleep(self.chance.uniform(*COMES_BACK_AFTER))

    @property
    @abstractmethod
    def is_in(self) -> bool:
        """Whether it has cursors to come back with."""

    @abstractmethod
    async def _visit(self) -> None:
        """Listen until the connection is lost."""

    def take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "message":
                self.heard.append(message["text"])
            case "joined" if "messages" in message:
                self.heard += [each["text"] for each in message["messages"]]
            case "notification":
                self.told.append(message["title"])
            case "error":
                self.flaws.append(f"{self.member.email}: {message}")


@dataclass
class SocketListener(Listener):
    inbox: str | None = None
    room: str | None = None

    @property
    def is_in(self) -> bool:
        return self.inbox is not None and self.room is not None

    async def _visit(self) -> None:
        url = f"ws://{HOST}:{self.port}/api/v1/live"
        async with connect(url, proxy=None, open_timeout=3, ping_interval=1, ping_timeout=1, close_timeout=1) as socket:
            await socket.send(_command("auth", token=self.member.token, since=self.inbox))
            await socket.send(_command("join", room=ROOM, since=self.room))
            async for text in socket:
                message = json.loads(text)
                self.take(message)
                if message["type"] in ("message", "joined") and "cursor" in message:
                    self.room = message["cursor"]
                elif "cursor" in message:
                    self.inbox = message["cursor"]


@dataclass
class StreamListener(Listener):
    last_id: str = ""

    @property
    def is_in(self) -> bool:
        return "," in self.last_id

    async def _visit(self) -> None:
        url = f"http://{HOST}:{self.port}/api/v1/live/events?rooms={ROOM}"
        headers = {"Authorization": f"Bearer {self.member.token}"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        async with (
            httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(3, read=2)) as http,
            http.stream("GET", url, headers=headers) as answer,
        ):
            data = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "data":
                    data = value
                elif name == "id" and data:
                    self.take(json.loads(data))
                    self.last_id, data = value, ""
                elif not line and data:
                    self.take(json.loads(data))
                    data = ""


def drill(messages: int, seed: int, *, with_redis_away: bool = False) -> Outcome:
    """`tried` are the messages and notifications that each listener has to get: broken is one that is missed, comes
    twice, or in another order."""
    with TemporaryDirectory() as folder, pair_of(TWO_SERVERS_AND_REDIS, Path(folder)) as pair:
        return asyncio.run(_drill(pair, messages, random.Random(seed), with_redis_away=with_redis_away))


async def _drill(pair: Pair, messages: int, chance: random.Random, *, with_redis_away: bool) -> Outcome:
    admin = await pair.signed_in(ROOT)
    await pair.one.post("/rooms", status=201, token=admin, body={"name": ROOM, "title": "Drill"})
    network = Network([pair.any_server.port, pair.other_port], chance)
    await network.open()
    listeners: list[Listener] = []
    for number in range(LISTENERS):
        kind: type[Listener] = StreamListener if number % 3 == 2 else SocketListener
        listeners.append(kind(await a_member(pair, admin), network.port, random.Random(chance.random())))
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    said = [f"message {number}" for number in range(messages)]
    titles = [f"notification {number}" for number in range(0, messages, NOTIFIED_EVERY)]
    await until(lambda: all(listener.is_in for listener in listeners))
    cutting = asyncio.create_task(_cut(network, chance))
    away = asyncio.create_task(_disturb_redis(pair, chance)) if with_redis_away else None
    try:
        await _speak(pair, admin, said, listeners, chance)
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)
        network.thaw()
        await _until_all_came(listeners, said, titles)
    finally:
        for task in [*tasks, cutting, *([away] if away else [])]:
            task.cancel()
        await asyncio.gather(*tasks, cutting, *([away] if away else []), return_exceptions=True)
        await network.close()
        pair.close()
    flaws = [flaw for each in listeners for flaw in [*each.flaws, *_flaws(each, said, titles)]]
    tried = len(listeners) * (len(said) + len(titles))
    visits = sum(each.visits for each in listeners)
    name = f"the network cut{', and Redis away' if with_redis_away else ''}: messages to each listener"
    return Outcome(name, tried, flaws, f"{network.cuts} cuts, {visits} comings back")


async def _speak(
    pair: Pair, admin: str, said: Sequence[str], listeners: Sequence[Listener], chance: random.Random
) -> None:
    """Over a connection that is not cut; each message once the one before was heard, so that all are in order."""
    async with connect(f"ws://{HOST}:{pair.any_server.port}/api/v1/live", proxy=None) as socket:
        await socket.send(_command("auth", token=admin))
        await socket.send(_command("join", room=ROOM))
        for number, text in enumerate(said):
            await socket.send(_command("say", room=ROOM, text=text))
            while json.loads(await socket.recv()).get("text") != text:
                pass
            if number % NOTIFIED_EVERY == 0:
                for listener in listeners:
                    body = {"user_id": listener.member.id, "title": f"notification {number}", "body": "Hello"}
                    await pair.other.post("/notifications", status=201, token=admin, body=body)
            await asyncio.sleep(chance.uniform(*PAUSE))


async def _cut(network: Network, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(*BETWEEN_CUTS))
        match chance.randrange(4):
            case 0:
                network.cut()
            case 1 | 2:
                network.cut_some()
            case _:
                network.freeze()
                await asyncio.sleep(chance.uniform(0.1, 2))
                network.cut()
                network.thaw()


async def _disturb_redis(pair: Pair, chance: random.Random) -> None:
    assert pair.redis is not None
    while True:
        await asyncio.sleep(chance.uniform(1, 4))
        if chance.random() < 0.5:
            await asyncio.to_thread(pair.redis.kill)
            await asyncio.sleep(chance.uniform(0, 2))
            await asyncio.to_thread(pair.redis.start)
        else:
            pair.redis.freeze()
            await asyncio.sleep(chance.uniform(0, 3))
            pair.redis.thaw()


async def _until_all_came(listeners: Sequence[Listener], said: Sequence[str], titles: Sequence[str]) -> None:
    """Or until it takes too long: what is missing then is told as such."""
    with suppress(TimeoutError):
        await until(lambda: all(len(one.heard) >= len(said) and len(one.told) >= len(titles) for one in listeners))
    await asyncio.sleep(1)  # for what would come twice


def _flaws(listener: Listener, said: Sequence[str], titles: Sequence[str]) -> list[str]:
    found = []
    for came, wanted in ((listener.heard, said), (listener.told, titles)):
        if came != list(wanted):
            missed = [each for each in wanted if each not in came]
            twice = sorted({each for each in came if came.count(each) > 1})
            what = [f"missed {each}" for each in missed] + [f"twice {each}" for each in twice]
            kind = type(listener).__name__
            found += [f"{kind} {listener.member.email}: {each}" for each in what or ["another order"]]
    return found


def _command(type: str, **fields: str | None) -> str:
    return json.dumps({"type": type, **{name: value for name, value in fields.items() if value is not None}})

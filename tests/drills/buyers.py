"""A hundred buyers and ten in stock, while servers and workers are killed and start again (S20).

Each buyer asks with an Idempotency-Key until there is a definite answer. What was sold is paid, cancelled and refunded
in the same way, until everything is back on the shelf.
"""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from adapters.mail.message import plain_key
from adapters.sql import Database, create_engine
from application.app import Application
from domain.access.actor import ANONYMOUS, operator
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from entrypoints.worker import run_worker
from tests.drills.client import Answer, Client, Unanswered
from tests.drills.processes import Outcome, kill, started
from tests.drills.servers import PASSWORD, ROOT, prepared, workers_of
from tests.mailbox import message_ids
from tests.project.server import Server, free_port, serving
from tests.stores import POSTGRESQL

BUYERS = 100
STOCK = 10
MOST_KILLS = 2
LEASE = timedelta(seconds=2)
WITHIN = 120.0
"""Seconds in which everybody has a definite answer, and everything that follows is done."""
OPERATOR = operator("drill")
WAITING = (
    "SELECT kind, status, attempts, strikes, due_at, error FROM jobs WHERE event_id IS NOT NULL AND due_at IS NOT NULL"
)
AGAIN = {"request-running"}
"""Refusals that say nothing yet."""


@dataclass
class Shop:
    """The buyers and the keeper of the shop, each with an access token."""

    application: Application
    client: Client
    keeper: str
    buyers: Mapping[UUID, str]
    chance: random.Random

    async def until_answered(self, path: str, token: str, body: object = None) -> Answer:
        """What is finally said to this request, however often it has to be sent."""
        key, limit = uuid4().hex, time.monotonic() + WITHIN
        while time.monotonic() < limit:
            try:
                answer = await self.client.ask("POST", path, anew=True, token=token, body=body, once=key)
            except (Unanswered, OSError):
                await asyncio.sleep(self.chance.uniform(0.01, 0.1))
                continue
            if answer.status not in (429, 503) and not (answer.status == 409 and answer.body["code"] in AGAIN):
                return answer
            await asyncio.sleep(self.chance.uniform(0.01, 0.1))
        raise TimeoutError(f"There is no definite answer to {path}.")

    async def at_once(self, asks: Sequence[Callable[[], Awaitable[Answer]]]) -> list[Answer]:
        """All of them, begun within a second."""

        async def one(ask: Callable[[], Awaitable[Answer]]) -> Answer:
            await asyncio.sleep(self.chance.uniform(0, 1))
            return await ask()

        return list(await asyncio.gather(*map(one, asks)))


@dataclass
class Sold:
    """One order as it is stored."""

    id: str
    user_id: str
    status: str


@dataclass
class Killer:
    """Kills something every now and then while the block lasts, in a thread of its own; MOST_KILLS times, for whoever
    is killed again and again before they have begun gets nowhere."""

    pause: tuple[float, float]
    chance: random.Random
    strike: Callable[[], None]
    kills: int = 0
    failures: list[Exception] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        enough = threading.Event()

        def work() -> None:
            for _ in range(MOST_KILLS):
                if enough.wait(self.chance.uniform(*self.pause)):
                    return
                try:
                    self.strike()
                    self.kills += 1
                except Exception as error:
                    self.failures.append(error)
                    return

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()
        if self.failures:
            raise self.failures[0]


def drill(store: str, rounds: int, seed: int) -> Outcome:
    """`tried` are the rounds."""
    chance = random.Random(seed)
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        env = prepared(store, folder)
        settings = Settings(**{name.removeprefix("MOOTHALL_").lower(): value for name, value in env.items()})
        if store == POSTGRESQL:
            port, strike = _two_workers(stack, folder, env, settings, chance)
        else:
            port, strike = _one_process(stack, folder, env)
        killer = Killer((0.1, 0.7), chance, strike)
        broken, orders = asyncio.run(_drill(settings, port, rounds, random.Random(seed + 1), killer))
    note = f"{orders} orders, {killer.kills} kills"
    return Outcome(f"{BUYERS} buyers, {STOCK} in stock ({store})", rounds, broken[:rounds], note)


def _two_workers(
    stack: ExitStack, folder: Path, env: Mapping[str, str], settings: Settings, chance: random.Random
) -> tuple[int, Callable[[], None]]:
    """`serve --workers 2`, of which one is killed at a time, or the one who sends the mails."""
    server = stack.enter_context(serving(folder, "--workers", "2", env=env))
    crew = [started(_work, settings)]
    stack.callback(lambda: kill(crew[0]))

    def strike() -> None:
        victims = workers_of(server)
        if victims and chance.random() < 0.7:
            os.kill(chance.choice(victims), signal.SIGKILL)
        else:
            kill(crew[0])
            crew[0] = started(_work, settings)

    return server.port, strike


def _one_process(stack: ExitStack, folder: Path, env: Mapping[str, str]) -> tuple[int, Callable[[], None]]:
    """A server that does everything itself, killed and started again."""
    port = free_port()
    own = stack.enter_context(ExitStack())
    running: list[Server] = [own.enter_context(serving(folder, env=env, port=port))]

    def strike() -> None:
        os.kill(running[0].pid, signal.SIGKILL)
        own.close()
        running[0] = own.enter_context(serving(folder, env=env, port=port))

    return port, strike


def _work(settings: Settings) -> None:
    """The body of a worker's process."""
    asyncio.run(run_worker(settings, lease=LEASE))


async def _drill(
    settings: Settings, port: int, rounds: int, chance: random.Random, killer: Killer
) -> tuple[list[str], int]:
    """What did not hold, a line for each round that broke, and how many orders there were."""
    async with open_application(settings) as application:
        shop = Shop(application, Client(port), *await _people(application), chance)
        broken = []
        for number in range(rounds):
            flaws = await _round(shop, f"thing-{number}", settings, killer)
            if flaws:
                broken.append(f"round {number + 1}: {'; '.join(flaws[:3])}")
        broken += await _flaws_of_what_followed(application, settings)
        orders = await _rows(settings, "SELECT count(*) FROM orders")
    return broken, orders[0][0]


async def _people(application: Application) -> tuple[str, dict[UUID, str]]:
    async def token(login: str) -> str:
        return (await application.identity.log_in(ANONYMOUS, login=login, password=PASSWORD)).access_token

    buyers = {}
    for number in range(BUYERS):
        email = f"buyer{number}@example.com"
        made = await application.identity.create_user(OPERATOR, email=email, password=PASSWORD)
        buyers[made.value.id] = await token(email)
    return await token(ROOT), buyers


async def _round(shop: Shop, sku: str, settings: Settings, killer: Killer) -> list[str]:
    await shop.application.products.create_product(
        OPERATOR, sku=sku, name="A thing", price=1250, currency="EUR", stock=STOCK
    )
    wanted = {"lines": [{"sku": sku, "quantity": 1}]}
    with killer.at_work():
        told = await shop.at_once(
            [lambda token=token: shop.until_answered("/orders", token, wanted) for token in shop.buyers.values()]
        )
    flaws = _flaws_of_answers(told)
    sold = await _sold(settings, sku)
    winners = {str(UUID(answer.body["id"])) for answer in told if answer.status == 201}
    if {order.id for order in sold} != winners or len({order.user_id for order in sold}) != STOCK:
        flaws.append(f"{len(sold)} orders of {len({order.user_id for order in sold})} buyers, {len(winners)} were told")
    if (left := await _stock(settings, sku)) != 0:
        flaws.append(f"{left} are left")
    with killer.at_work():
        over = await shop.at_once(
            [lambda order=order, n=n: _given_back(shop, order, n) for n, order in enumerate(sold)]
        )
    flaws += [f"{answer.status} {answer.content[:200]!r}" for answer in over if answer.status != 200]
    after = Counter(order.status for order in await _sold(settings, sku))
    if after != {"cancelled": STOCK // 2, "refunded": STOCK // 2} or (left := await _stock(settings, sku)) != STOCK:
        flaws.append(f"{dict(after)}, and {left} are left")
    return flaws


async def _given_back(shop: Shop, order: Sold, number: int) -> Answer:
    """Every other one is paid first."""
    if number % 2:
        return await shop.until_answered(f"/orders/{order.id}/cancel", shop.buyers[UUID(order.user_id)])
    paid = await shop.until_answered(f"/orders/{order.id}/pay", shop.keeper, {"gateway": "manual"})
    return paid if paid.status != 200 else await shop.until_answered(f"/orders/{order.id}/refund", shop.keeper)


def _flaws_of_answers(told: Sequence[Answer]) -> list[str]:
    said = Counter((answer.status, "" if answer.status == 201 else answer.body["code"]) for answer in told)
    expected = {(201, ""): STOCK, (409, "out-of-stock"): BUYERS - STOCK}
    return [] if said == expected else [f"buyers were told {dict(said)}"]


async def _flaws_of_what_followed(application: Application, settings: Settings) -> list[str]:
    """Once everything is done: one event of each kind an order, one delivery, one mail that may have come twice."""
    flaws, limit = [], time.monotonic() + WITHIN
    while left := await _rows(settings, WAITING):
        if time.monotonic() > limit:
            flaws += [f"waiting: {dict(row._mapping)}" for row in left[:3]]
            break
        await asyncio.sleep(0.2)
    orders = {str(UUID(str(row.id))) for row in await _rows(settings, "SELECT id FROM orders")}
    events = await _rows(settings, "SELECT id, type, data FROM events WHERE type LIKE 'order.%'")
    happened = Counter((event.type, json.loads(event.data)["order_id"]) for event in events)
    if (
        any(times != 1 for times in happened.values())
        or {id for kind, id in happened if kind == "order.placed"} != orders
    ):
        flaws.append(f"events: {[each for each, times in happened.items() if times != 1][:3]}")
    placed = {str(UUID(str(event.id))) for event in events if event.type == "order.placed"}
    done = await _rows(settings, "SELECT event_id, status FROM jobs WHERE kind = 'mail-order-confirmation'")
    if Counter(str(UUID(str(row.event_id))) for row in done) != Counter(placed):
        flaws.append(f"{len(done)} deliveries of {len(placed)} events")
    if unfinished := [row for row in done if row.status != "succeeded"]:
        flaws.append(f"{len(unfinished)} deliveries are {unfinished[0].status}")
    mailed = Counter(message_ids(settings.mail_dir))
    keys = [f"<{plain_key(f'{event}.mail-order-confirmation')}@" for event in placed]
    lacking = [key for key in keys if sum(found.startswith(key) for found in mailed) != 1]
    if lacking:
        flaws.append(f"{len(lacking)} orders without a confirmation")
    entries = Counter(row.action for row in await _rows(settings, "SELECT action FROM audit_entries"))
    if entries["order.placed"] != len(orders) or entries["order.cancelled"] + entries["order.refunded"] != len(orders):
        flaws.append(f"the trail: {dict(entries)}")
    await application.audit.seal(OPERATOR)
    if not (await application.audit.verify(OPERATOR)).is_sound:
        flaws.append("the audit trail is broken")
    return flaws


async def _sold(settings: Settings, sku: str) -> list[Sold]:
    rows = await _rows(
        settings,
        "SELECT o.id, o.user_id, o.status FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE l.sku = :sku",
        sku=sku,
    )
    return [Sold(str(UUID(str(row.id))), str(UUID(str(row.user_id))), row.status) for row in rows]


async def _stock(settings: Settings, sku: str) -> int:
    return int((await _rows(settings, "SELECT stock FROM products WHERE sku = :sku", sku=sku))[0].stock)


async def _rows(settings: Settings, statement: str, **values: str) -> Sequence[Any]:
    engine = create_engine(Database(settings.database, timeout=30))
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text(statement), values)).all()
    finally:
        await engine.dispose()

"""Orders of ten lines of counted stock, placed by several buyers at once: by our use case, in process, and by hand."""

import asyncio
import datetime as dt
import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import asyncpg

from application.reactions import REACTIONS
from domain.access import actor as actors
from domain.orders.events import OrderPlaced
from domain.orders.order import Wanted
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings

from .machine import wait_for_quiet
from .measures import Measure, Plan, Turn
from .moothall_peer import Installation
from .peers import orders_by_hand
from .servers import ServerError

Way = Literal["moothall", "by-hand", "by-hand-told"]
"""By hand: the order and the stock alone, or with the entry in the trail, the event and its delivery too."""

Place = Callable[[uuid.UUID, list[str]], Awaitable[object]]
"""An order of this buyer, for one of each of these products."""

BUYERS = 8
LINES = 10
_PRODUCTS = 1_000
_STOCK = 10**9
_WARM_UP = 0.5  # seconds
_SHELVES = f"""
INSERT INTO products (id, sku, sku_key, name, name_order, search_text, price, currency, stock, is_active, created_at,
    updated_at, version)
SELECT gen_random_uuid(), 'P' || n, 'p' || n, 'Product ' || n, 'product ' || n, ' p' || n || ' product ' || n, 100 + n,
    'EUR', {_STOCK}, true, now(), now(), 1
FROM generate_series(0, {_PRODUCTS - 1}) AS n
"""  # noqa: S608
_PAST = 20_000
_BOOKS = (
    f"""
    INSERT INTO orders (id, status, currency, total, placed_at, version)
    SELECT gen_random_uuid(), 'fulfilled', 'EUR', 1000, now(), 3 FROM generate_series(1, {_PAST})
    """,  # noqa: S608
    f"""
    INSERT INTO order_lines (order_id, number, product_id, sku, name, quantity, unit_price, is_held)
    SELECT id, n, gen_random_uuid(), 'P' || n, 'Product ' || n, 1, 100, true
    FROM orders, generate_series(0, {LINES - 1}) AS n
    """,  # noqa: S608
    f"""
    INSERT INTO events (id, at, type, actor, data)
    SELECT gen_random_uuid(), now(), 'order.placed', 'bench', '{{}}' FROM generate_series(1, {_PAST})
    """,  # noqa: S608
)
"""Of before: in tables that were analysed empty, foreign keys are looked up by reading all of them."""
_SEEN = f"""
SELECT (SELECT count(*) - {_PAST} FROM orders) AS orders,
    (SELECT count(*) - {_PAST * LINES} FROM order_lines) AS lines,
    (SELECT sum({_STOCK} - stock)::bigint FROM products) AS sold, (SELECT count(*) FROM audit_entries) AS entries,
    (SELECT count(*) - {_PAST} FROM events) AS events, (SELECT count(*) FROM jobs) AS deliveries
"""  # noqa: S608


@dataclass(frozen=True)
class Orders:
    """One process, on PostgreSQL as it comes: what was committed is on the disk."""

    installation: Installation
    way: Way

    @property
    def name(self) -> str:
        return f"orders-{self.way}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.ORDERS in plan.measures

    def prepare(self) -> None:
        self.installation.install()
        asyncio.run(_register(self.installation))

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        return Turn(disturbance, ordered=asyncio.run(self._rate(plan.seconds)))

    async def _rate(self, seconds: float) -> float:
        """Orders a second. Raises ServerError where not all of it was done: a fast wrong shop is worth nothing."""
        connection = await asyncpg.connect(self.installation.database_url, timeout=10, command_timeout=30)
        try:
            await connection.execute("TRUNCATE orders, order_lines, payments, products, events, jobs, audit_entries")
            for statement in (_SHELVES, *_BOOKS):
                await connection.execute(statement)
            await connection.execute("ANALYZE")
            buyers = [row["id"] for row in await connection.fetch("SELECT id FROM users ORDER BY id")]
            async with self._counter() as place:
                before, _ = await _buy(place, buyers, _WARM_UP)
                placed, took = await _buy(place, buyers, seconds)
            seen = await connection.fetchrow(_SEEN)
        finally:
            await connection.close()
        orders = before + placed
        told = 0 if self.way == "by-hand" else orders
        deliveries = told * len(REACTIONS[OrderPlaced])
        if tuple(seen) != (orders, orders * LINES, orders * LINES, told, told, deliveries):
            raise ServerError(f"{self.name} placed {orders} orders, and left {dict(seen)}")
        return placed / took

    def _counter(self) -> AbstractAsyncContextManager[Place]:
        if self.way == "moothall":
            return _use_case(self.installation)
        return orders_by_hand.counter(self.installation.database_url, BUYERS, told=self.way == "by-hand-told")


@asynccontextmanager
async def _use_case(installation: Installation) -> AsyncIterator[Place]:
    async with open_application(_settings(installation)) as application:

        async def place(buyer: uuid.UUID, skus: list[str]) -> None:
            now = dt.datetime.now(dt.UTC)
            member = actors.member(buyer, frozenset(), session_id=buyer, signed_in_at=now)
            await application.orders.place_order(member, lines=[Wanted(sku, 1) for sku in skus])

        yield place


async def _buy(place: Place, buyers: Sequence[uuid.UUID], seconds: float) -> tuple[int, float]:
    """How many orders, in how many seconds. The baskets are the same each time."""
    began, counted = time.monotonic(), itertools.count()

    async def buy(number: int, buyer: uuid.UUID) -> None:
        chance = random.Random(number)
        while time.monotonic() - began < seconds:
            await place(buyer, [f"P{n}" for n in chance.sample(range(_PRODUCTS), LINES)])
            next(counted)

    await asyncio.gather(*(buy(number, buyer) for number, buyer in enumerate(buyers)))
    return next(counted), time.monotonic() - began


async def _register(installation: Installation) -> None:
    """So many buyers, unless they are there."""
    async with open_application(_settings(installation)) as application:
        page = await application.identity.list_users(actors.operator("bench"))
        for number in range(len(page.items), BUYERS):
            await application.identity.create_user(actors.operator("bench"), email=f"buyer{number}@example.com")


def _settings(installation: Installation) -> Settings:
    return Settings(
        database_url=installation.database_url,
        data_dir=installation.workspace.folder(installation.name),
        secret_key=installation.env["MOOTHALL_SECRET_KEY"],
    )

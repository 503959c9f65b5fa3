"""The hand-written minimum of a shop, on Moothall's own tables: an order in one transaction of six round trips.

The products are locked in one order, so that nobody waits in a circle; the prices are the products'; what is not there
is not sold. Nothing is checked besides. `told` inserts what Moothall inserts besides: the entry in the trail (without
its proof), the event and its deliveries, and wakes the workers.
"""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

LOCK = "SELECT id, sku, name, price, stock FROM products WHERE sku_key = ANY($1) ORDER BY id FOR UPDATE"
TAKE = "UPDATE products SET stock = stock - 1 WHERE id = ANY($1)"
ORDER = """
INSERT INTO orders (id, user_id, status, currency, total, placed_at, version)
VALUES ($1, $2, 'placed', 'EUR', $3, $4, 1)
"""
ORDER_LINES = """
INSERT INTO order_lines (order_id, number, product_id, sku, name, quantity, unit_price, is_held)
SELECT $1, number, product_id, sku, name, 1, price, true
FROM unnest($2::integer[], $3::uuid[], $4::text[], $5::text[], $6::bigint[])
    AS line(number, product_id, sku, name, price)
"""
ENTRY = """
INSERT INTO audit_entries (id, at, action, actor, subject, item, fields, proof)
VALUES ($1, $2, 'order.placed', $3, $3, $4, '', '')
"""
EVENT = "INSERT INTO events (id, at, type, actor, data) VALUES ($1, $2, 'order.placed', $3, $4)"
DELIVERIES = """
INSERT INTO jobs (id, kind, args, event_id, created_at, due_at, status, attempts, strikes, cancel_requested,
    progress_done, progress_rejected)
VALUES ($1, 'mail-order-confirmation', '{}', $3, $4, $4, 'queued', 0, 0, false, 0, 0),
    ($2, 'notify-order-placed', '{}', $3, $4, $4, 'queued', 0, 0, false, 0, 0)
"""


@asynccontextmanager
async def counter(
    url: str, buyers: int, *, told: bool
) -> AsyncIterator[Callable[[uuid.UUID, list[str]], Awaitable[None]]]:
    """Where so many at once place orders."""
    async with asyncpg.create_pool(url, min_size=buyers, max_size=buyers, reset=_keep) as pool:

        async def place(buyer: uuid.UUID, skus: list[str]) -> None:
            async with pool.acquire() as connection:
                await _place(connection, buyer, skus, told)

        yield place


async def _keep(_: asyncpg.Connection) -> None:
    """There is nothing to be reset, and a round trip to be saved."""


async def _place(connection: asyncpg.Connection, buyer: uuid.UUID, skus: list[str], told: bool) -> None:
    order, now = uuid.uuid4(), datetime.now(UTC)
    await connection.execute("BEGIN")
    try:
        found = await connection.fetch(LOCK, [sku.lower() for sku in skus])
        if len(found) < len(skus) or any(row["stock"] < 1 for row in found):
            raise LookupError("out of stock")
        await connection.execute(TAKE, [row["id"] for row in found])
        await connection.execute(ORDER, order, buyer, sum(row["price"] for row in found), now)
        columns = ([row[name] for row in found] for name in ("id", "sku", "name", "price"))
        await connection.execute(ORDER_LINES, order, list(range(len(found))), *columns)
        if told:
            await _tell(connection, order, buyer, now)
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT; NOTIFY moothall_jobs" if told else "COMMIT")


async def _tell(connection: asyncpg.Connection, order: uuid.UUID, buyer: uuid.UUID, now: datetime) -> None:
    event = uuid.uuid4()
    await connection.execute(ENTRY, uuid.uuid4(), now, str(buyer), str(order))
    data = json.dumps({"order_id": str(order), "user_id": str(buyer)})
    await connection.execute(EVENT, event, now, str(buyer), data)
    await connection.execute(DELIVERIES, uuid.uuid4(), uuid.uuid4(), event, now)

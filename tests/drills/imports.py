"""kill -9 at random instants of an import: whoever goes on from there leaves what a clean run leaves (S29)."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from application.app import Application
from domain.access.actor import operator
from domain.imports.members_import import OnDuplicate
from domain.jobs.job import UNFINISHED, Status
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.drills.processes import KILLED, Outcome, ended, kill, started
from tests.limits import UNLIMITED
from tests.stores import database_url

ROWS = 20_000
WITHIN = 120.0
LEASE = timedelta(seconds=0.4)
"""So soon the next worker takes over."""
OPERATOR = operator("drill")
EVERY = 97
"""One row in so many is refused, one names somebody again."""

Members = Mapping[str, tuple[Any, ...]]


def drill(store: str, instants: int, seed: int, *, rows: int = ROWS) -> Outcome:
    """At so many instants, each of an import of its own."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        took, clean, report = _clean_run(store, Path(folder), rows)
    broken, tried = [], 0
    while tried < instants:
        with TemporaryDirectory() as folder:
            instant = chance.uniform(0, took)
            was_killed, flaws = _killed_at(instant, store, Path(folder), rows, clean, report)
        tried += was_killed
        broken += [f"{store}, {instant:.3f} s of {took:.3f}: {flaw}" for flaw in flaws[:1]]
        took *= 1.0 if was_killed else 0.95  # the machine was slower during the clean run
    return Outcome(f"kill -9 in an import of {rows:,} rows ({store})", tried, broken, f"in {took:.1f} s")


def work(url: str, folder: Path, import_id: str) -> None:
    """The body of a worker's process: it ends once the import is over, and says when it begins."""

    async def until_it_is_over() -> None:
        async with open_application(_settings(url, folder), lease=LEASE) as application:
            (folder / "began").touch()
            worker = application.runner.for_kind("import-members")
            while (await _state(application, UUID(import_id))) in UNFINISHED:
                if not await worker.drain():
                    await asyncio.sleep(0.05)

    asyncio.run(until_it_is_over())


def _clean_run(store: str, folder: Path, rows: int) -> tuple[float, Members, list[Any]]:
    """How long it took, and what it left."""
    url, import_id = _prepared(store, folder, rows)
    worker = started(work, url, folder, import_id)
    _wait_for(folder / "began")
    began = time.monotonic()
    assert ended(worker, WITHIN) == 0
    took = time.monotonic() - began
    return took, *asyncio.run(_left(url, folder, import_id))


def _killed_at(
    instant: float, store: str, folder: Path, rows: int, clean: Members, report: list[Any]
) -> tuple[bool, list[str]]:
    """Whether it was still at work then; and how what the next worker leaves differs from a clean run."""
    url, import_id = _prepared(store, folder, rows)
    worker = started(work, url, folder, import_id)
    _wait_for(folder / "began")
    worker.join(instant)
    kill(worker)
    if ended(worker, 1) != KILLED:
        return False, []
    if ended(started(work, url, folder, import_id), WITHIN) != 0:
        return True, ["the next worker failed"]
    members, rejected = asyncio.run(_left(url, folder, import_id))
    flaws = [
        f"{email}: {members.get(email)} and not {found}"
        for email, found in clean.items()
        if members.get(email) != found
    ]
    flaws += [f"{email} should not be there" for email in members.keys() - clean.keys()]
    return True, flaws + (["another report"] if rejected != report else [])


def _prepared(store: str, folder: Path, rows: int) -> tuple[str, str]:
    """A database with an import that waits for a worker."""
    url = database_url(store, folder)
    assert url is not None

    async def ask() -> str:
        async with open_application(_settings(url, folder)) as application:
            found = await application.imports.start_import(
                OPERATOR, content=_content(rows), on_duplicate=OnDuplicate.UPDATE
            )
            return str(found.id)

    return url, asyncio.run(ask())


async def _content(rows: int) -> AsyncIterator[bytes]:
    yield b"email,username,first_name,last_name,external_id\n"
    for line in _lines(rows):
        yield line.encode()


def _lines(rows: int) -> Iterator[str]:
    for n in range(rows):
        if n % EVERY == 1:
            yield f"no address {n},,,,\n"
        elif n % EVERY == 2:
            yield f"m{n - 2}@example.com,,Again,,\n"
        else:
            yield f"m{n}@example.com,member_{n},First {n},Last,{n}\n"


async def _left(url: str, folder: Path, import_id: str) -> tuple[Members, list[Any]]:
    """All accounts by their addresses, but for what no two runs have in common; and the report."""
    async with open_application(_settings(url, folder)) as application:
        shown = await application.imports.show_import(OPERATOR, import_id=UUID(import_id))
        assert shown.status is Status.SUCCEEDED, shown
        members: dict[str, tuple[Any, ...]] = {}
        async with aclosing(await application.identity.export_users(OPERATOR)) as some_at_a_time:
            async for some in some_at_a_time:
                for user in some:
                    assert user.email not in members, f"{user.email} is there twice"
                    members[user.email] = (user.username, user.full_name, user.roles, user.is_active, user.is_verified)
        pages = await application.imports.list_rejected_rows(OPERATOR, import_id=UUID(import_id))
        report = [row async for page in pages for row in page]
        counts = (shown.created, shown.updated, shown.skipped, shown.rejected)
        return members, [counts, *report]


async def _state(application: Application, import_id: UUID) -> Status:
    return (await application.imports.show_import(OPERATOR, import_id=import_id)).status


def _settings(url: str, folder: Path) -> Settings:
    return Settings(bcrypt_cost=4, data_dir=folder, database_url=url, secret_key="drill" * 10, **UNLIMITED)


def _wait_for(file: Path) -> None:
    limit = time.monotonic() + WITHIN
    while not file.exists():
        assert time.monotonic() < limit, "it does not begin"
        time.sleep(0.005)
    with suppress(FileNotFoundError):
        file.unlink()

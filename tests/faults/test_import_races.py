"""Others make, delete and list accounts while an import is at work on them; on PostgreSQL, where they need not wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.users import SqlUsers
from application.app import Application
from application.imports.rights import importer_of
from application.imports.views import ImportView
from application.unit_of_work import UnitOfWork
from domain.access import actor as actors
from domain.access.actor import ANONYMOUS, Actor, operator
from domain.errors import NotFound
from domain.imports.members_import import OnDuplicate
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.contracts.builders import a_job, a_members_import, add, add_jobs
from tests.contracts.test_users import FULL
from tests.entrypoints.http.importing import streamed
from tests.limits import UNLIMITED
from tests.stores import POSTGRESQL, Store, database_url, open_store

OPERATOR = operator("test")
PASSWORD = "violet-anchor-42-lamp"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Application]:
    url = database_url(POSTGRESQL, tmp_path)
    settings = Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=url, **UNLIMITED)
    async with open_application(settings) as application:
        yield application


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(POSTGRESQL, tmp_path) as opened:
        yield opened


def once_before(
    monkeypatch: pytest.MonkeyPatch, step: str, meanwhile: Callable[[], Awaitable[object]], times: int = 1
) -> list[int]:
    """Something happens just before this step of a chunk, so many times; how often the step was taken since."""
    whole, taken = getattr(SqlUsers, step), list[int]()

    async def interrupted(self: SqlUsers, *given: Any) -> Any:
        taken.append(1)
        if len(taken) <= times:
            await meanwhile()
        return await whole(self, *given)

    monkeypatch.setattr(SqlUsers, step, interrupted)
    return taken


async def imported(house: Application, table: str, on_duplicate: OnDuplicate) -> ImportView:
    found = await house.imports.start_import(OPERATOR, content=streamed(table.encode()), on_duplicate=on_duplicate)
    await house.runner.drain()
    return await house.imports.show_import(OPERATOR, import_id=found.id)


async def test_who_registers_meanwhile_is_found_to_be_there(
    house: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def register() -> None:
        await house.identity.register(ANONYMOUS, email="b@example.com", password=PASSWORD)

    once_before(monkeypatch, "add_all", register)
    view = await imported(house, "email\na@example.com\nb@example.com\nc@example.com\n", OnDuplicate.SKIP)
    assert (view.created, view.skipped, view.progress.done) == (2, 1, 3)


async def test_who_goes_on_registering_is_met_row_by_row(house: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter("bcde")

    async def register() -> None:
        await house.identity.register(ANONYMOUS, email=f"{next(names)}@example.com", password=PASSWORD)

    once_before(monkeypatch, "add_all", register, times=3)
    view = await imported(house, "email\n" + "".join(f"{n}@example.com\n" for n in "abcdef"), OnDuplicate.REJECT)
    assert (view.created, view.rejected, view.progress.done) == (3, 3, 6)


async def test_who_is_deleted_meanwhile_is_made_anew(house: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    user = await house.identity.create_user(OPERATOR, email="a@example.com")

    async def delete() -> None:
        async with house.identity.log_in.transactions.begin() as uow:
            await uow.users.remove(user.value.id)

    once_before(monkeypatch, "get_all", delete)
    view = await imported(house, "email,first_name\na@example.com,Ada\n", OnDuplicate.UPDATE)
    assert (view.created, view.updated) == (1, 0)


async def test_who_asked_for_it_may_be_deleted_meanwhile(house: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waits for the other for ever."""
    clerk = await house.identity.create_user(OPERATOR, email="clerk@example.com", roles=["admin"])
    await house.identity.create_user(OPERATOR, email="root@example.com", roles=["admin"])
    key = actors.member(
        clerk.value.id, frozenset({"*"}), session_id=clerk.value.id, signed_in_at=house.runner.clock.now()
    )
    started = await _asked_by(house, key)
    deleting: list[asyncio.Task[None]] = []

    async def delete() -> None:
        deleting.append(asyncio.create_task(house.identity.delete_user(OPERATOR, user_id=clerk.value.id)))
        await asyncio.sleep(0.3)

    once_before(monkeypatch, "find_all", delete)
    await house.runner.drain()
    await deleting[0]
    with pytest.raises(NotFound):
        await house.imports.show_import(OPERATOR, import_id=started)


async def _asked_by(house: Application, actor: Actor) -> UUID:
    """Without asking whether their session is there: there is none."""
    found = await house.imports.start_import(OPERATOR, content=streamed(b"email\na@example.com\n"))
    async with house.identity.log_in.transactions.begin() as uow:
        job = await uow.jobs.get(found.job_id)
        stored = await uow.imports.get(found.id)
    assert job is not None
    assert stored is not None
    own = replace(job, id=uuid4(), args={"import_id": str(uuid4())}, owner_id=actor.user_id, unique_key=None)
    importing = replace(stored, id=UUID(own.args["import_id"]), job_id=own.id, importer=importer_of(actor))
    await house.imports.start_import.files.put(importing.id, streamed(b"email\nb@example.com\n"))
    await house.jobs.cancel_job(OPERATOR, job_id=found.job_id)
    async with house.identity.log_in.transactions.begin() as uow:
        await uow.jobs.add(own)
        await uow.imports.add(importing)
    return importing.id


async def test_a_table_that_was_empty_is_not_read_whole_once_it_has_grown(store: Store) -> None:
    """Whatever plan was made for it then."""
    job = a_job()
    await add_jobs(store, job)
    found = a_members_import(job)
    async with store.transactions.begin() as uow:
        await uow.imports.add(found)
    assert store.engine is not None
    async with store.engine.connect() as connection:
        await connection.execute(text("ANALYZE users"))
    for _ in range(8):
        async with store.transactions.begin() as uow:
            await uow.imports.get(found.id)
            await uow.users.find_all(["ada@example.com"])
    await add(store, FULL)
    async with store.transactions.begin() as uow:
        await uow.imports.get(found.id)
        before = await _read_whole(uow)
        assert await uow.users.find_all(["ada@example.com"]) == {"ada@example.com": FULL.id}
        assert await _read_whole(uow) == before


async def _read_whole(uow: UnitOfWork) -> int:
    """How often this connection read all accounts to find some."""
    assert isinstance(uow, SqlUnitOfWork)
    seen = await uow._work.execute(text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'users'"))
    return int(seen.scalar_one())

"""PostgreSQL away, slow or overloaded: always the same error, never a hanging request, and no scar afterwards."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from adapters.sql import Database, SqlHealth, SqlIdentityQueries, SqlTransactions, create_engine
from adapters.sql import engine as engine_module
from adapters.sql.tables import metadata
from domain.errors import Unavailable
from tests.contracts.builders import a_user, add, stored
from tests.services import execute, postgres_url, query, wait_for
from tests.stores import POSTGRESQL, Store, open_store

PATIENCE = 0.4

END_THEM = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'moothall'
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """One that gives up soon."""
    async with open_store(POSTGRESQL, tmp_path, patience=PATIENCE) as opened:
        yield opened


def assert_unavailable(raised: "pytest.ExceptionInfo[Unavailable]") -> None:
    assert raised.value.code == "database-unavailable"
    assert raised.value.retry_after == 1


async def test_connections_that_ended_while_nobody_used_them_are_replaced(store: Store) -> None:
    user = a_user()
    await add(store, user)
    for _ in range(3):
        await asyncio.gather(*(store.queries.user(user.id) for _ in range(5)))
        await execute(postgres_url(), END_THEM)
        await asyncio.sleep(0.05)
        assert await stored(store, user.id) == user
        await execute(postgres_url(), END_THEM)
        await asyncio.sleep(0.05)
        assert await store.queries.user(user.id) is not None


@pytest.mark.parametrize("trusted_for", [0.0, 3600.0])
async def test_connections_that_ended_unnoticed_are_replaced_before_a_read_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch, trusted_for: float
) -> None:
    """The event loop is kept from hearing of the end: an idle connection is pinged, and a lookup is done again."""
    monkeypatch.setattr(engine_module, "_FRESH", trusted_for)
    user = a_user()
    await add(store, user)
    wait_for(execute(postgres_url(), END_THEM))
    assert await store.queries.user(user.id) is not None
    assert await stored(store, user.id) == user


async def test_a_connection_that_cannot_even_roll_back_is_given_up(store: Store) -> None:
    user = a_user()

    async def fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(user)
            wait_for(execute(postgres_url(), END_THEM))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await add(store, user)


async def test_a_connection_that_ends_within_a_unit_of_work_is_told_and_nothing_is_stored(store: Store) -> None:
    user = a_user()

    async def cut_off() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(user)
            await execute(postgres_url(), END_THEM)
            await uow.users.get(user.id)

    with pytest.raises(Unavailable) as raised:
        await cut_off()
    assert_unavailable(raised)
    assert await stored(store, user.id) is None
    await add(store, user)


async def test_a_connection_that_ends_before_the_commit_is_told(store: Store) -> None:
    user = a_user()

    async def cut_off() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(user)
            await execute(postgres_url(), END_THEM)

    with pytest.raises(Unavailable) as raised:
        await cut_off()
    assert_unavailable(raised)
    assert await stored(store, user.id) is None


async def test_nobody_waits_for_a_lock_for_ever(store: Store) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.users.get(user.id)
        started = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            await stored(store, user.id)
        assert_unavailable(raised)
        assert PATIENCE * 0.9 < time.monotonic() - started < PATIENCE * 10
        await uow.users.save(user)
    assert await stored(store, user.id) == replace(user, version=2)


async def test_of_two_who_wait_for_each_other_one_goes_through(store: Store) -> None:
    users = [a_user(f"user{n}") for n in range(2)]
    await add(store, *users)
    meeting = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with store.transactions.begin() as uow:
            await uow.users.get(users[first].id)
            await meeting.wait()
            await uow.users.get(users[second].id)

    outcomes = await asyncio.gather(lock(0, 1), lock(1, 0), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, Unavailable) for outcome in outcomes)
    assert any(isinstance(outcome, Unavailable) for outcome in outcomes)
    for user in users:
        assert await stored(store, user.id) == user


async def test_nobody_waits_for_a_connection_for_ever(tmp_path: Path) -> None:
    async with open_store(POSTGRESQL, tmp_path) as _:
        engine = create_engine(Database(postgres_url(), pool_size=1, max_overflow=0, timeout=PATIENCE))
        transactions, queries = SqlTransactions(engine), SqlIdentityQueries(engine)
        async with transactions.begin():
            with pytest.raises(Unavailable) as raised:
                await queries.signing_keys()
            assert_unavailable(raised)
        assert await queries.signing_keys() == []
        await engine.dispose()


@pytest.mark.parametrize("away", ["server", "database", "answer"])
async def test_a_database_that_is_not_there_is_told_soon(away: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://nobody@127.0.0.1:{port}/nothing?sslmode=disable"
        if away == "server":
            silent.close()
        if away == "database":
            url = urlsplit(postgres_url())._replace(path="/no_such_database").geturl()
        engine = create_engine(Database(url, timeout=PATIENCE))
        started = time.monotonic()
        for attempt in (SqlHealth(engine).check, SqlIdentityQueries(engine).signing_keys):
            with pytest.raises(Unavailable) as raised:
                await attempt()
            assert_unavailable(raised)
        assert time.monotonic() - started < 10 * PATIENCE
        await engine.dispose()


async def test_keys_are_compared_by_code_point_whatever_the_collation_of_the_database(store: Store) -> None:
    """The server out of the wheel knows no other collation; another one might have been made with one."""
    assert store.engine is not None
    dialect = store.engine.dialect
    keys = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if getattr(column.type.dialect_impl(dialect), "collation", None)
    }
    assert {("users", "email_key"), ("users", "username_key"), ("users", "username_order")} <= keys
    for table, column in keys:
        asked = f"""
            SELECT collation_name FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = '{table}' AND column_name = '{column}'
        """  # noqa: S608
        assert await query(postgres_url(), asked) == "C"


async def test_rules_about_many_rows_hold_whatever_isolation_the_server_defaults_to(tmp_path: Path) -> None:
    """Behind a lock that was waited for, a snapshot from before would hide what the other one did."""
    async with open_store(POSTGRESQL, tmp_path) as first:
        admins = [a_user(f"admin{n}", roles=frozenset({"admin"})) for n in range(2)]
        await add(first, *admins)
    strict = "default_transaction_isolation=serializable"
    engine = create_engine(Database(f"{postgres_url()}{'&' if '?' in postgres_url() else '?'}{strict}"))
    transactions = SqlTransactions(engine)

    async def demote(user_id: UUID) -> bool:
        async with transactions.begin() as uow:
            await uow.serialise("administrators")
            user = await uow.users.get(user_id)
            assert user is not None
            if not await uow.users.another_admin_exists(user_id):
                return False
            await uow.users.save(replace(user, roles=frozenset()))
            return True

    try:
        assert sorted(await asyncio.gather(*(demote(admin.id) for admin in admins))) == [False, True]
    finally:
        await engine.dispose()

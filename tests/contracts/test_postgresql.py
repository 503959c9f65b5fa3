"""PostgreSQL away, slow or overloaded: always the same error, never a hanging request, and no scar afterwards."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Select

from adapters.sql import (
    Database,
    Reader,
    SqlHealth,
    SqlIdentityQueries,
    SqlTransactions,
    access_queries,
    create_engine,
    queries,
)
from adapters.sql import engine as engine_module
from adapters.sql.failures import translated
from adapters.sql.tables import metadata
from application.audit.views import AuditFilters
from domain.errors import Unavailable
from tests.contracts.builders import NOW, a_user, add, add_api_keys, an_api_key, stored
from tests.contracts.plans import Asked
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
        transactions, queries = SqlTransactions(engine), SqlIdentityQueries(Reader(engine))
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
        for attempt in (SqlHealth(engine).check, SqlIdentityQueries(Reader(engine)).signing_keys):
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


MANY_ENTRIES = f"""
    INSERT INTO audit_entries (id, at, action, actor, subject, fields, seal_number)
    SELECT gen_random_uuid(), timestamptz '{NOW}' + n * interval '1 second', 'action' || n % 10, 'actor' || n % 20,
           'subject' || n % 50, '', CASE WHEN n <= 9990 THEN n END
    FROM generate_series(1, 10000) AS n
"""  # noqa: S608


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (AuditFilters(), "at_id"),
        (AuditFilters(since=NOW), "at_id"),
        (AuditFilters(until=NOW + timedelta(days=1)), "at_id"),
        (AuditFilters(actor="actor7"), "actor_at_id"),
        (AuditFilters(action="action7"), "action_at_id"),
        (AuditFilters(subject="subject7"), "subject_at_id"),
        (AuditFilters(subject="subject7", until=NOW + timedelta(days=1)), "subject_at_id"),
    ],
)
async def test_an_index_has_the_order_of_the_audit_trail_for_every_filter(
    tmp_path: Path, filters: AuditFilters, index: str
) -> None:
    """So that a page costs the same at any depth: nothing is sorted, and nothing in front of the page is read."""
    async with open_store(POSTGRESQL, tmp_path) as store:
        await execute(postgres_url(), MANY_ENTRIES, "ANALYZE audit_entries")
        asked = Asked.on(store.engine)
        first = await store.audit.entries(filters, after=None, offset=0, limit=10)
        assert len(first) == 10
        for after in (None, first[-1].position):
            await store.audit.entries(filters, after=after, offset=0, limit=10)
            steps = await asked.plan()
            assert any(f"ix_audit_entries_{index}" in step.split() for step in steps), steps
            assert not any("Sort" in step or "Seq Scan" in step or "Bitmap" in step for step in steps), steps


async def test_the_chain_and_what_is_not_in_it_are_found_without_reading_through_the_trail(tmp_path: Path) -> None:
    """What is not sealed yet are few: it does not matter whether these are sorted."""
    async with open_store(POSTGRESQL, tmp_path) as store:
        await execute(postgres_url(), MANY_ENTRIES, "ANALYZE audit_entries")
        asked = Asked.on(store.engine)
        plans = []
        assert len(await store.audit.chain(5000, 500)) == 500
        plans.append(("seal_number", await asked.plan()))
        assert await store.audit.count_unsealed() == 10
        plans.append(("unsealed_id", await asked.plan()))
        async with store.transactions.begin() as uow:
            assert len(await uow.audit.unsealed(500)) == 10
            plans.append(("unsealed_id", await asked.plan()))
            await uow.serialise("audit-sealer")
            await uow.audit.last_seal()
            plans.append(("seal_number", await asked.plan()))
        for index, steps in plans:
            assert any(f"ix_audit_entries_{index}" in step.split() for step in steps), steps
            assert not any("Seq Scan" in step or ("Sort" in step and index == "seal_number") for step in steps), steps


MANY_MEMBERS = (
    """
    INSERT INTO users (id, email, email_key, username_order, search_text, is_active, is_verified, created_at,
                       updated_at, version)
    SELECT gen_random_uuid(), n, n, '', '', true, true, now(), now(), 1 FROM generate_series(1, 5000) AS n
    """,
    "INSERT INTO user_roles (user_id, role) SELECT id, 'member' FROM users ON CONFLICT DO NOTHING",
    """
    INSERT INTO api_keys (id, user_id, name, prefix, digest, permissions, created_at)
    SELECT gen_random_uuid(), id, 'x', 'x', sha256(email::bytea), '', created_at FROM users
    """,
    "ANALYZE users, user_roles, api_keys",
)


async def test_who_calls_with_a_key_is_found_without_reading_through_a_table(tmp_path: Path) -> None:
    """Every request asks for this."""
    async with open_store(POSTGRESQL, tmp_path) as store:
        user = a_user()
        key = an_api_key(user)
        await add(store, user)
        await add_api_keys(store, key)
        await execute(postgres_url(), *MANY_MEMBERS)
        assert await store.access.key_holder(key.digest, NOW) is not None
        asked = Asked.on(store.engine)
        async with asked.engine.connect() as connection:
            await connection.execute(access_queries._KEY_HOLDER, {"digest": key.digest})
        steps = await asked.plan()
        for index in ("uq_api_keys_digest", "pk_users", "pk_user_roles"):
            assert any(index in step.split() for step in steps), steps
        assert not any("Seq Scan" in step for step in steps if "on roles" not in step), steps


@pytest.mark.parametrize(
    ("lookup", "index"),
    [(queries._BY_EMAIL, "uq_users_email_key"), (queries._BY_USERNAME, "uq_users_username_key")],
    ids=["email", "username"],
)
async def test_who_signs_in_is_found_without_reading_through_a_table(
    tmp_path: Path, lookup: Select[Any], index: str
) -> None:
    async with open_store(POSTGRESQL, tmp_path) as store:
        await execute(postgres_url(), *MANY_MEMBERS)
        asked = Asked.on(store.engine)
        async with asked.engine.connect() as connection:
            await connection.execute(lookup, {"key": "ada@example.com"})
        steps = await asked.plan()
        assert any(index in step.split() for step in steps), steps
        assert not any("Seq Scan" in step for step in steps), steps


def test_what_the_database_does_not_allow_is_told_as_that() -> None:
    """Since version 15 a user who does not own a database can make no tables in it."""
    with pytest.raises(Unavailable) as refused, translated():
        raise asyncpg.InsufficientPrivilegeError("permission denied for schema public")
    assert refused.value.code == "database-privileges"

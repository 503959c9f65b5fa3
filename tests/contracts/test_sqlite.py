"""SQLite: one writer at a time, many at the door, and no error because of it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select

from adapters.sql import Database, Reader, SqlHealth, SqlIdentityQueries, access_queries, create_engine, queries
from application.audit.views import AuditFilters
from application.identity.views import USER_SORTS, UserFilters
from application.paging import Position, Sort
from domain.errors import Unavailable
from tests.contracts.builders import NOW, SECOND, a_session, a_user, add, stored
from tests.contracts.plans import Asked
from tests.stores import SQLITE, Store, database_url, open_store, sql_store

WRITER = """
import asyncio, sys
from pathlib import Path
from adapters.sql import Database, Reader, SqlHealth, SqlIdentityQueries, create_engine
from tests.contracts.builders import a_session, a_user, add
from tests.stores import sql_store

async def write(path, name, count):
    engine = create_engine(Database(path))
    store = sql_store("sqlite", engine)
    for n in range(count):
        user = a_user(f"{name}-{n}")
        await add(store, user, sessions=[a_session(user)])
        print(n, flush=True)
    await engine.dispose()

asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(SQLITE, tmp_path) as opened:
        yield opened


@contextmanager
def writers(path: Path, number: int, count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Other processes, each of which adds `count` accounts and prints a line for each one that is stored."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, f"writer{n}", str(count)], stdout=subprocess.PIPE, text=True
        )
        for n in range(number)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def test_fifty_writers_at_once_all_get_their_turn(store: Store) -> None:
    users = [a_user(f"user{n}") for n in range(50)]

    async def live(number: int) -> None:
        user = users[number]
        await add(store, user, sessions=[a_session(user)])
        for _ in range(3):
            async with store.transactions.begin() as uow:
                loaded = await uow.users.get(user.id)
                assert loaded is not None
                await uow.users.save(loaded.changed(NOW, first_name=f"{loaded.version}"))

    await asyncio.gather(*(live(n) for n in range(50)))
    for user in users:
        found = await stored(store, user.id)
        assert found is not None
        assert found.version == 4


async def test_writers_go_in_the_order_in_which_they_came(store: Store) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(a_user(f"user{number}"))
            order.append(number)

    await asyncio.gather(*(write(n) for n in range(20)))
    assert order == list(range(20))


async def test_readers_wait_for_no_writer(store: Store) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.users.save(user.changed(NOW, first_name="Ada"))
        async with asyncio.timeout(1):
            before = await store.queries.user(user.id)
            assert await store.queries.signing_keys() == []
    assert before is not None
    assert before.value.first_name is None


async def test_a_reader_that_finds_the_file_locked_waits_in_a_thread(store: Store, tmp_path: Path) -> None:
    """Which happens in a write-ahead log only while somebody repairs it, or has it for themselves."""
    with closing(sqlite3.connect(tmp_path / "moothall.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        reading = asyncio.create_task(store.queries.signing_keys())
        await asyncio.sleep(0.1)
        assert not reading.done()
    assert await reading == []


async def test_another_process_that_writes_for_too_long_makes_the_store_unavailable_for_writers(tmp_path: Path) -> None:
    async with open_store(SQLITE, tmp_path, patience=0.2) as store:
        user = a_user()
        await add(store, user)
        with closing(sqlite3.connect(tmp_path / "moothall.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable) as raised:
                await add(store, a_user("late"))
            assert await store.queries.user(user.id) is not None
            other.execute("ROLLBACK")
        assert (raised.value.code, raised.value.retry_after) == ("database-unavailable", 1)
        await add(store, a_user("late"))


async def test_a_writer_that_holds_on_for_too_long_makes_the_others_give_up(tmp_path: Path) -> None:
    async with open_store(SQLITE, tmp_path, patience=0.2) as store:
        async with store.transactions.begin() as uow:
            await uow.users.add(a_user("slow"))
            with pytest.raises(Unavailable):
                await add(store, a_user("late"))
        await add(store, a_user("late"))


async def test_several_processes_write_together(store: Store, tmp_path: Path) -> None:
    with writers(tmp_path / "moothall.db", 3, 15) as processes:
        await asyncio.gather(*(add(store, a_user(f"user{n}")) for n in range(15)))
        for process in processes:
            written, _ = await asyncio.to_thread(process.communicate)
            assert process.returncode == 0
            assert written.split() == [str(n) for n in range(15)]
    found = {await store.queries.find_user(email_key=f"writer{w}-{n}@example.com") for w in range(3) for n in range(15)}
    assert None not in found
    assert len(found) == 45


async def test_what_a_killed_process_was_told_is_stored_is_there_and_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "moothall.db"
    database_url(SQLITE, tmp_path)
    told: list[str] = []
    with writers(path, 2, 100_000) as processes:
        for process in processes:
            assert process.stdout is not None
            for _ in range(20):
                await asyncio.to_thread(process.stdout.readline)
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
        for number, process in enumerate(processes):
            rest, _ = await asyncio.to_thread(process.communicate)
            told += (f"writer{number}-{n}@example.com" for n in range(20 + len(rest.splitlines()) - 1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        halves = "SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM sessions)"
        assert connection.execute(halves).fetchone() == (0,)
    engine = create_engine(Database(str(path)))
    queries = SqlIdentityQueries(Reader(engine))
    for email in told:
        assert await queries.find_user(email_key=email) is not None
    await engine.dispose()


async def test_every_connection_is_prepared(store: Store) -> None:
    assert store.engine is not None
    for name, value in (("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 1), ("busy_timeout", 5000)):
        async with store.engine.connect() as connection:
            assert (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() == value


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    engine = create_engine(Database(str(tmp_path / "nowhere" / "moothall.db")))
    for attempt in (SqlHealth(engine).check, SqlIdentityQueries(Reader(engine)).signing_keys):
        with pytest.raises(Unavailable) as raised:
            await attempt()
        assert raised.value.code == "database-unavailable"
    with pytest.raises(Unavailable):
        await stored(sql_store(SQLITE, engine), a_user().id)
    await engine.dispose()


async def test_an_index_has_every_order_of_the_list_of_users(store: Store) -> None:
    """So that a page costs the same at any depth: nothing in front of the page is read, and of what each part has no
    more than a page. SQLite sorts again what it merges, which is that little."""
    asked = Asked.on(store.engine)
    filters = [UserFilters(), UserFilters(is_active=True), UserFilters(is_active=False), UserFilters(is_verified=True)]
    for wanted in (*filters, UserFilters(role="member"), UserFilters(role="member", is_active=False)):
        for sort in (Sort(field, descending) for field in USER_SORTS for descending in (True, False)):
            after = Position(NOW if sort.by_time else "x", a_user().id)
            await store.queries.users(wanted, sort, after=after, offset=0, limit=10)
            steps = await asked.plan()
            table = "user_roles" if wanted.role else "users"
            searches = [
                step for step in steps if step.startswith(f"SEARCH {table} USING") and f"ix_{table}_by_" in step
            ]
            states = (1 if wanted.is_active is not None else 2) * (1 if wanted.is_verified is not None else 2)
            assert len(searches) == states, (wanted, sort, steps)
            assert all("<(?,?)" in step or ">(?,?)" in step for step in searches), (wanted, sort, steps)
            assert not any("SCAN users" in step for step in steps), (wanted, sort, steps)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (AuditFilters(), "ix_audit_entries_at_id"),
        (AuditFilters(since=NOW), "ix_audit_entries_at_id"),
        (AuditFilters(until=NOW), "ix_audit_entries_at_id"),
        (AuditFilters(since=NOW, until=NOW + SECOND), "ix_audit_entries_at_id"),
        (AuditFilters(actor="cli:root"), "ix_audit_entries_actor_at_id"),
        (AuditFilters(action="user.updated"), "ix_audit_entries_action_at_id"),
        (AuditFilters(subject="editor"), "ix_audit_entries_subject_at_id"),
        (AuditFilters(subject="editor", since=NOW, until=NOW + SECOND), "ix_audit_entries_subject_at_id"),
        (AuditFilters(actor="cli:root", since=NOW), "ix_audit_entries_actor_at_id"),
        (AuditFilters(actor="cli:root", action="user.updated", subject="editor"), "ix_audit_entries_"),
    ],
)
async def test_an_index_has_the_order_of_the_audit_trail_for_every_filter(
    store: Store, filters: AuditFilters, index: str
) -> None:
    asked = Asked.on(store.engine)
    for after in (Position(NOW, a_user().id), None):
        await store.audit.entries(filters, after=after, offset=0, limit=10)
        (step,) = await asked.plan()
        assert f" audit_entries USING INDEX {index}" in step
        searches = after is not None or filters != AuditFilters()
        assert step.startswith("SEARCH" if searches else "SCAN")


async def test_an_index_has_the_order_of_the_chain_and_of_what_is_not_in_it(store: Store) -> None:
    asked = Asked.on(store.engine)
    await store.audit.chain(7, 10)
    assert await asked.plan() == [
        "SEARCH audit_entries USING INDEX ix_audit_entries_seal_number (seal_number>?)",
    ]
    await store.audit.count_unsealed()
    assert "ix_audit_entries_unsealed_id" in (await asked.plan())[0]
    async with store.transactions.begin() as uow:
        await uow.audit.unsealed(10)
        unsealed = await asked.plan()
        await uow.audit.last_seal()
        last = await asked.plan()
    assert [step for step in unsealed if "ix_audit_entries_unsealed_id" in step] == unsealed
    assert [step for step in last if "ix_audit_entries_seal_number" in step] == last


@pytest.mark.parametrize("of_one", [True, False])
async def test_an_index_has_the_order_of_the_list_of_api_keys(store: Store, of_one: bool) -> None:
    asked = Asked.on(store.engine)
    user = a_user()
    await store.access.api_keys(user.id if of_one else None, after=Position(NOW, user.id), offset=0, limit=10)
    (step,) = await asked.plan()
    index = "ix_api_keys_user_id_created_at_id (user_id=? AND " if of_one else "ix_api_keys_created_at_id ("
    assert f"SEARCH api_keys USING INDEX {index}" in step
    await store.access.count_api_keys(user.id if of_one else None)
    (step,) = await asked.plan()
    assert "USING COVERING INDEX" in step


@pytest.mark.parametrize(
    ("lookup", "values", "index"),
    [
        (
            access_queries._KEY_HOLDER,
            {"digest": bytes(32)},
            "api_keys USING INDEX sqlite_autoindex_api_keys_2 (digest=?)",
        ),
        (
            queries._SIGNED_IN,
            {"session_id": UUID(int=1), "now": NOW},
            "sessions USING INDEX sqlite_autoindex_sessions_1",
        ),
        (queries._BY_EMAIL, {"key": "ada@example.com"}, "users USING INDEX sqlite_autoindex_users_3 (email_key=?)"),
        (queries._BY_USERNAME, {"key": "ada"}, "users USING INDEX sqlite_autoindex_users_2 (username_key=?)"),
    ],
)
async def test_who_calls_is_found_without_reading_through_a_table(
    store: Store, lookup: Select[Any], values: dict[str, Any], index: str
) -> None:
    """Every request asks for this."""
    asked = Asked.on(store.engine)
    async with asked.engine.connect() as connection:
        await connection.execute(lookup, values)
    steps = await asked.plan()
    assert any(step.startswith(f"SEARCH {index}") for step in steps), steps
    scans = {step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step}
    assert scans <= {"SCAN CONSTANT ROW", "SCAN asked"}, steps  # what is asked for is a row itself

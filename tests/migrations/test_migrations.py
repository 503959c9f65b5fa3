"""The migrations lead from nothing to the tables that the code speaks of, and back, on both databases."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql import Database, Schema, SqlHealth, create_engine
from adapters.sql.migrate import configuration, script_directory
from adapters.sql.schema import HEAD
from adapters.sql.tables import metadata
from application.access.views import shown_role
from application.audit.views import AuditFilters
from application.identity.ports import Credentials, SignedIn
from application.identity.views import SessionView, UserFilters, shown
from domain.access.actor import Origin
from domain.access.roles import BUILT_IN_ROLES
from domain.errors import NotFound, Unavailable
from domain.identity.email import EmailAddress
from domain.identity.session import Impersonation, Session
from domain.identity.user import User
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_role,
    a_session,
    a_user,
    add,
    add_api_keys,
    add_entries,
    add_roles,
    an_api_key,
    an_entry,
    stored,
)
from tests.services import empty_postgres_url, wait_for
from tests.stores import POSTGRESQL, SQLITE, sql_store

MIGRATOR = """
import asyncio, sys
from adapters.sql import Database, Schema, create_engine

async def migrate(url):
    engine = create_engine(Database(url, timeout=1))
    sys.stdin.readline()
    await Schema(engine).bring_up_to_date()
    await engine.dispose()

asyncio.run(migrate(sys.argv[1]))
"""


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return empty_postgres_url() if request.param == POSTGRESQL else f"sqlite:///{tmp_path}/moothall.db"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Database(url))
    yield engine
    await engine.dispose()


async def tables(engine: AsyncEngine) -> set[str]:
    """But for those that SQLite's full-text search is made of."""
    async with engine.connect() as connection:
        names = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    return {name for name in names - {"alembic_version"} if not name.startswith("post_words")}


def differences(connection: Connection) -> list[object]:
    """But for the indexes of words, which each database has in its own way: what is found, and the plans of lists, tell
    whether they are what the code needs."""
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, _, __: (
            not (name or "").startswith(("ix_users_words", "ix_posts_words", "post_words"))
        ),
    }
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


async def test_up_down_and_up_again(engine: AsyncEngine) -> None:
    schema = Schema(engine)
    assert await schema.current() is None
    for _ in range(2):
        await schema.upgrade()
        assert await schema.current() == HEAD
        assert await tables(engine) == set(metadata.tables)
        await schema.downgrade("base")
        assert await schema.current() is None
        assert await tables(engine) == set()


async def test_one_step_at_a_time(engine: AsyncEngine) -> None:
    schema = Schema(engine)
    await schema.upgrade()
    steps = 0
    while await schema.current() is not None:
        await schema.downgrade("-1")
        steps += 1
    for _ in range(steps):
        await schema.upgrade("+1")
    assert await schema.current() == HEAD


async def test_models_and_migrations_agree(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_constraints_have_the_names_that_the_tables_say(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()

    def names(connection: Connection) -> set[str | None]:
        found = inspect(connection)
        return {
            name
            for table in metadata.tables
            for name in (
                found.get_pk_constraint(table)["name"],
                *(unique["name"] for unique in found.get_unique_constraints(table)),
                *(foreign["name"] for foreign in found.get_foreign_keys(table)),
                *(check["name"] for check in found.get_check_constraints(table)),
            )
        }

    async with engine.connect() as connection:
        assert await connection.run_sync(names) == {
            constraint.name for table in metadata.tables.values() for constraint in table.constraints
        }


def test_three_migrators_at_once_migrate_once(url: str) -> None:
    """S35."""
    command = [sys.executable, "-c", MIGRATOR, url]
    migrators = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for migrator in migrators:
        assert migrator.stdin is not None
        migrator.stdin.write("go\n")
        migrator.stdin.flush()
    for migrator in migrators:
        _, errors = migrator.communicate()
        assert (migrator.returncode, errors) == (0, "")

    async def is_migrated() -> None:
        engine = create_engine(Database(url))
        assert await Schema(engine).current() == HEAD
        assert await tables(engine) == set(metadata.tables)
        await engine.dispose()

    wait_for(is_migrated())


async def test_a_migration_that_fails_leaves_everything_as_it_was(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.exec_driver_sql("CREATE TABLE signing_keys (in_the_way INTEGER)")
    with pytest.raises(Exception, match="signing_keys"):
        await Schema(engine).upgrade()
    assert await tables(engine) == {"signing_keys"}
    assert await Schema(engine).current() is None


ADA = a_user(
    "ada",
    email=EmailAddress("Ada@Example.com", "ada@example.com"),
    username="Ada_L",
    first_name="Ada",
    is_verified=True,
    roles=frozenset({"admin", "member"}),
    last_login_at=NOW,
    version=3,
)
BOB = a_user("bob", is_active=False)
ADAS_SESSION, BOBS_SESSION = a_session(ADA, seed=bytes(range(256))), a_session(BOB, address=None, user_agent=None)


async def insert_as_of_0001(engine: AsyncEngine, user: User, session: Session) -> None:
    """Rows as the version before wrote them, with no column that came later."""
    account = {
        "id": user.id,
        "email": user.email.typed,
        "email_key": user.email.key,
        "username": user.username,
        "username_key": user.username_key,
        "username_order": user.username_key or "",
        "first_name": user.first_name,
        "last_name": user.last_name,
        "search_text": user.search_text,
        "password_hash": user.password_hash,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login_at": user.last_login_at,
        "version": user.version,
    }
    sign_in = {
        "id": session.id,
        "user_id": user.id,
        "seed": session.seed,
        "secret_id": session.secret_id,
        "counter": session.counter,
        "rotated_at": session.rotated_at,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "user_agent": session.user_agent,
    }
    async with engine.connect() as connection:
        await connection.execute(insert(metadata.tables["users"]), account)
        for role in sorted(user.roles):
            await connection.execute(insert(metadata.tables["user_roles"]), {"user_id": user.id, "role": role})
        await connection.execute(insert(metadata.tables["sessions"]), sign_in)


async def columns(engine: AsyncEngine, table: str) -> set[str]:
    async with engine.connect() as connection:
        return {c["name"] for c in await connection.run_sync(lambda sync: inspect(sync).get_columns(table))}


async def test_the_roles_that_a_database_begins_with_are_the_built_in_ones(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()
    store = sql_store(engine.dialect.name, engine)
    async with store.transactions.begin() as uow:
        assert await uow.roles.all() == sorted(BUILT_IN_ROLES, key=lambda role: role.name)
    for role in BUILT_IN_ROLES:
        assert await store.access.role(role.name) == shown_role(role)
    assert await store.access.count_roles() == len(BUILT_IN_ROLES)


async def test_accounts_and_sessions_of_the_version_before_go_on(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade("0001")
    await insert_as_of_0001(engine, ADA, ADAS_SESSION)
    await insert_as_of_0001(engine, BOB, BOBS_SESSION)
    await Schema(engine).upgrade()

    store = sql_store(engine.dialect.name, engine)
    for user, session in ((ADA, ADAS_SESSION), (BOB, BOBS_SESSION)):
        assert await stored(store, user.id) == user
        assert await store.queries.user(user.id) == shown(user)
        assert await store.queries.credentials(email_key=user.email.key) == Credentials(user.id, user.password_hash)
        rows = await store.queries.sessions_of(user.id, NOW, after=None, offset=0, limit=10)
        assert [row.value for row in rows] == [SessionView.of(session)]
        async with store.transactions.begin() as uow:
            assert await uow.sessions.get(session.id) == session
    assert await store.queries.signed_in(ADAS_SESSION.id, NOW) == SignedIn(
        shown(ADA), ADAS_SESSION.created_at, ADAS_SESSION.expires_at, frozenset({"*"})
    )
    assert await store.queries.signed_in(BOBS_SESSION.id, NOW) is None
    assert await store.queries.count_users(UserFilters(role="admin", q="ada")) == 1


async def test_who_was_there_before_signs_in_refreshes_and_gets_a_key_after(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade("0001")
    await insert_as_of_0001(engine, ADA, ADAS_SESSION)
    await Schema(engine).upgrade()

    store = sql_store(engine.dialect.name, engine)
    new, key = a_session(ADA), an_api_key(ADA, "users:read")
    rotated = ADAS_SESSION.rotated(NOW + SECOND, Origin("192.0.2.9", "curl/9"))
    async with store.transactions.begin() as uow:
        await uow.users.record_sign_in(ADA.id, NOW + SECOND, password_hash="$new$")
        await uow.sessions.add(new)
        await uow.sessions.save(rotated)
        await uow.api_keys.add(key)
        await uow.audit.add(an_entry(subject=str(ADA.id)))
    assert await stored(store, ADA.id) == replace(ADA, last_login_at=NOW + SECOND, password_hash="$new$")
    for session in (new, rotated):
        found = await store.queries.signed_in(session.id, NOW)
        assert found is not None
        assert found.permissions == {"*"}
        async with store.transactions.begin() as uow:
            assert await uow.sessions.get(session.id) == session
    holder = await store.access.key_holder(key.digest, NOW)
    assert holder is not None
    assert holder.granted == {"users:read"}
    assert holder.held == {"*"}


async def test_the_way_back_ends_impersonations_and_keeps_everything_else_of_the_version_before(
    engine: AsyncEngine,
) -> None:
    await Schema(engine).upgrade("0001")
    before = {table: await columns(engine, table) for table in await tables(engine)}
    await Schema(engine).upgrade()
    store = sql_store(engine.dialect.name, engine)
    silent = a_session(BOB, impersonation=Impersonation(ADA.id, ADAS_SESSION.id, frozenset()))
    allowed = a_session(BOB, impersonation=Impersonation(ADA.id, ADAS_SESSION.id, frozenset({"users:read"})))
    await add(store, ADA, BOB, sessions=[ADAS_SESSION, BOBS_SESSION, silent, allowed])
    await add_roles(store, a_role("editor"))
    await add_api_keys(store, an_api_key(ADA))
    await add_entries(store, an_entry())

    await Schema(engine).downgrade("0001")
    assert {table: await columns(engine, table) for table in await tables(engine)} == before
    sessions, users = metadata.tables["sessions"], metadata.tables["users"]
    async with engine.connect() as connection:
        left = set((await connection.execute(select(sessions.c.id))).scalars())
        assert left == {ADAS_SESSION.id, BOBS_SESSION.id}
        assert set((await connection.execute(select(users.c.id))).scalars()) == {ADA.id, BOB.id}

    await Schema(engine).upgrade()
    for user, session in ((ADA, ADAS_SESSION), (BOB, BOBS_SESSION)):
        assert await stored(store, user.id) == user
        async with store.transactions.begin() as uow:
            assert await uow.sessions.get(session.id) == session
    assert await store.access.count_roles() == len(BUILT_IN_ROLES)
    assert await store.access.count_api_keys(None) == 0
    assert await store.audit.count_entries(AuditFilters()) == 0


async def test_an_unmigrated_database_is_not_healthy(engine: AsyncEngine) -> None:
    schema, health = Schema(engine), SqlHealth(engine)
    with pytest.raises(Unavailable) as refused:
        await health.check()
    assert refused.value.code == "migrations-pending"
    assert await schema.is_behind()
    await schema.bring_up_to_date()
    assert not await schema.is_behind()
    await health.check()


async def test_a_newer_schema_is_worked_with(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()
    async with engine.connect() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not await Schema(engine).is_behind()
    await SqlHealth(engine).check()


async def test_an_unknown_revision_is_not_found(engine: AsyncEngine) -> None:
    for move in (Schema(engine).upgrade, Schema(engine).downgrade):
        with pytest.raises(NotFound, match="nowhere") as refused:
            await move("nowhere")
        assert refused.value.code == "revision-not-found"
    await Schema(engine).upgrade()


def test_revisions_are_counted_up_in_one_line_to_the_one_that_the_code_needs() -> None:
    script = ScriptDirectory.from_config(configuration())
    revisions = [revision.revision for revision in script.walk_revisions()][::-1]
    assert revisions == [f"{n:04}" for n in range(1, len(revisions) + 1)]
    assert script.get_heads() == [HEAD]


def test_a_start_needs_no_alembic() -> None:
    asked = "import sys, adapters.sql; print([name for name in ('alembic', 'asyncpg') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_migrations_are_found_in_a_checkout() -> None:
    assert (script_directory() / "env.py").is_file()

"""The migrations lead from nothing to the tables that the code speaks of, and back, on both databases."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql import Database, Schema, SqlHealth, create_engine
from adapters.sql.migrate import configuration, script_directory
from adapters.sql.schema import HEAD
from adapters.sql.tables import metadata
from domain.errors import NotFound, Unavailable
from tests.services import empty_postgres_url, wait_for
from tests.stores import POSTGRESQL, SQLITE

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
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names())) - {"alembic_version"}


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
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
            )
        }

    async with engine.connect() as connection:
        assert await connection.run_sync(names) == {
            constraint.name for table in metadata.tables.values() for constraint in table.constraints
        }


def test_three_migrators_at_once_migrate_once(url: str) -> None:
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

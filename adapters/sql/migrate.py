"""Bring the tables to another revision. Alembic is imported here, and only when it is needed."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sql.engine import create_patient_engine, is_sqlite
from adapters.sql.failures import translated
from domain.errors import NotFound

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_ONE_MIGRATOR = "SELECT pg_advisory_xact_lock(hashtextextended('moothall:migrations', 0))"


def script_directory() -> Path:
    """In a wheel the migrations lie beside this file, in a checkout at the top."""
    packaged = _HERE / "migrations"
    return packaged if packaged.is_dir() else _HERE.parents[1] / "migrations"


def configuration(connection: Connection | None = None) -> "Config":
    """What Alembic's commands want to know."""
    from alembic.config import Config  # noqa: PLC0415 (nothing else in here needs it)

    config = Config()
    config.set_main_option("script_location", str(script_directory()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """All the way, or to a revision. Of several at once one migrates, and the others find it done.

    Raises:
        NotFound: `revision-not-found`.
        Unavailable: the database does not answer.
    """
    from alembic import command  # noqa: PLC0415

    await _migrate(engine, command.upgrade, revision)


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Back to a revision (or `-1`: one step); `base` is before all of them, and takes the data with it.

    Raises:
        NotFound: `revision-not-found`.
        Unavailable: the database does not answer.
    """
    from alembic import command  # noqa: PLC0415

    await _migrate(engine, command.downgrade, revision)


async def _migrate(engine: AsyncEngine, command: Callable[["Config", str], None], revision: str) -> None:
    async with migrating(engine) as connection:
        await apply(connection, command, revision)


@asynccontextmanager
async def migrating(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, under a lock that admits one migrator at a time; committed if everything in it went well."""
    on_sqlite = is_sqlite(engine.url)
    patient = create_patient_engine(engine)
    try:
        with translated():
            connection = await patient.connect()
        async with aclosing(connection):
            with translated():
                await connection.exec_driver_sql("BEGIN IMMEDIATE" if on_sqlite else "BEGIN")
                if not on_sqlite:
                    await connection.exec_driver_sql(_ONE_MIGRATOR)
            yield connection
            with translated():
                await connection.exec_driver_sql("COMMIT")
    finally:
        await patient.dispose()


async def apply(connection: AsyncConnection, command: Callable[["Config", str], None], revision: str) -> None:
    """One of Alembic's commands, within the transaction that is under way.

    Raises:
        NotFound: `revision-not-found`.
    """
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        with translated():
            await connection.run_sync(lambda sync: command(configuration(sync), revision))
    except CommandError as error:
        raise NotFound("revision-not-found", f"The revision {revision!r} cannot be reached: {error}") from error

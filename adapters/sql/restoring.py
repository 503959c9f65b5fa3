"""An empty database that takes over what another one held, whichever of the two engines either is on.

All of it is one transaction: whatever goes wrong, the database is as it was.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sql.database_snapshots import revision_of, shapes_of, too_new
from adapters.sql.engine import is_sqlite
from adapters.sql.loaders import Loader, PostgresLoader, SqliteLoader, taking
from adapters.sql.lookups import CompiledStatements
from adapters.sql.migrate import apply, migrating
from adapters.sql.schema import HEAD
from adapters.sql.shapes import WRITING, ConvertRows, Row, Shape, conversion, quoted
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.work import Work
from application.unit_of_work import UnitOfWork
from domain.access.roles import BUILT_IN_ROLES
from domain.errors import Conflict, Invalid

_SOMEBODYS = {
    "signing_keys": "false",
    "audit_entries": "action NOT IN ('signing-key.created', 'housekeeping.swept')",
    "jobs": "owner_id IS NOT NULL OR event_id IS NOT NULL",
    "roles": f"name NOT IN ({', '.join(repr(role.name) for role in BUILT_IN_ROLES)}) OR version > 1",
}
"""Which rows of a table count, where migrations, and servers that were only started, make some."""


class Target:
    """`require_empty`, `prepare`, `load` everything, `finish`."""

    def __init__(self, connection: AsyncConnection, loader: Loader) -> None:
        self._connection = connection
        self._loader = loader
        self._converting: tuple[Shape, ConvertRows] | None = None
        self._indexes: Sequence[str] = ()

    async def require_empty(self) -> None:
        """Raises Conflict: `database-not-empty`, `database-too-new`."""
        revision = await revision_of(self._loader)
        if revision is not None and revision > HEAD:
            raise too_new(revision)
        tables = [shape.table for shape in await shapes_of(self._loader)]
        await self._loader.keep_others_out(tables)
        filled = tables if revision is None else [table for table in tables if await self._is_filled(table)]
        if filled:
            raise Conflict(
                "database-not-empty",
                f"There is something in this database already (in {', '.join(filled)}). Restore into one that is empty:"
                " set MOOTHALL_DATABASE_URL to another one, or for an embedded one MOOTHALL_DATA_DIR.",
            )

    async def prepare(self, revision: str, shapes: Sequence[Shape]) -> None:
        """Bring the empty database to the revision of what will be loaded. Indexes are made again in the end: when the
        rows are there, that takes a fraction of the time.

        Raises:
            Invalid: `backup-damaged`; the tables of that revision have other shapes.
            NotFound: `revision-not-found`.
        """
        from alembic import command  # noqa: PLC0415 (as in migrate.py)

        if await revision_of(self._loader) not in (None, revision):
            await apply(self._connection, command.downgrade, "base")
        await apply(self._connection, command.upgrade, revision)
        found = _by_table(await shapes_of(self._loader))
        if found != _by_table(shapes):
            raise Invalid("backup-damaged", f"What was saved has not the shape of the tables of revision {revision}.")
        for table in reversed(found):
            await self._loader.run(f"DELETE FROM {quoted(table)}")  # noqa: S608
        indexes = [index for index in await self._loader.indexes() if index[1] in found]
        for name, _, _ in indexes:
            await self._loader.run(f"DROP INDEX {quoted(name)}")
        self._indexes = [definition for _, _, definition in indexes]

    async def load(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Some of a table's rows, with values as a backup has them.

        Raises:
            Invalid: `backup-contradictory`; the database does not take them.
        """
        if self._converting is None or self._converting[0] is not shape:
            self._converting = shape, conversion(shape, WRITING[self._loader.engine])
        with taking(f"Rows of {shape.table}"):
            await self._loader.add(shape, self._converting[1](rows))

    async def finish(self) -> UnitOfWork:
        """Bring it to the newest revision. What is done in the unit of work belongs to the same transaction.

        Raises:
            Invalid: `backup-contradictory`.
        """
        from alembic import command  # noqa: PLC0415 (as in migrate.py)

        with taking("The rows"):
            for definition in self._indexes:
                await self._loader.run(definition)
        await apply(self._connection, command.upgrade, "head")
        await self._loader.settle(await shapes_of(self._loader))
        work = Work(self._connection, CompiledStatements(self._connection.dialect))
        return SqlUnitOfWork(work, one_writer=is_sqlite(self._connection.engine.url))

    async def _is_filled(self, table: str) -> bool:
        where = _SOMEBODYS.get(table, "true")
        return bool(await self._loader.all(f"SELECT 1 FROM {quoted(table)} WHERE {where} LIMIT 1"))  # noqa: S608


@asynccontextmanager
async def target_at(engine: AsyncEngine) -> AsyncIterator[Target]:
    """Within its transaction, which is committed in the end.

    Raises:
        Unavailable: the database does not answer.
    """
    async with migrating(engine) as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        yield Target(connection, SqliteLoader(driver) if is_sqlite(engine.url) else PostgresLoader(driver))


def _by_table(shapes: Sequence[Shape]) -> dict[str, Mapping[str, str]]:
    """Whichever order the columns have."""
    return {shape.table: dict(shape.columns) for shape in shapes}

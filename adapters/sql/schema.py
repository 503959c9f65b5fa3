"""Which state the tables are in, and which one this version of Moothall needs."""

from typing import Any

from sqlalchemy import Select, literal_column, select, table
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql import migrate
from adapters.sql.failures import translated

HEAD = "0012"
"""The newest revision in `migrations/`, so that a start needs no Alembic.

Revisions are four digits, counted up: the older one is the smaller one.
"""

_VERSIONS = "alembic_version"
_CURRENT: Select[Any] = select(literal_column("version_num")).select_from(table(_VERSIONS))


class Schema:
    """The tables as a whole, for whoever starts, checks or migrates."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def current(self) -> str | None:
        """The revision; None where nothing was migrated yet.

        Raises:
            Unavailable: the database does not answer.
        """
        try:
            with translated():
                async with self._engine.connect() as connection:
                    revision: str | None = await connection.scalar(_CURRENT)
                    return revision
        except (ProgrammingError, OperationalError) as error:
            if _VERSIONS in str(error.orig):
                return None
            raise

    async def is_behind(self) -> bool:
        """Whether this version needs migrations first. It works on a newer schema: the new version is on its way."""
        current = await self.current()
        return current is None or current < HEAD

    async def bring_up_to_date(self) -> None:
        if await self.is_behind():
            await self.upgrade()

    async def upgrade(self, revision: str = "head") -> None:
        await migrate.upgrade(self._engine, revision)

    async def downgrade(self, revision: str) -> None:
        await migrate.downgrade(self._engine, revision)

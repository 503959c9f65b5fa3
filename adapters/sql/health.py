"""Whether the database can be worked with."""

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.schema import Schema
from application.ports import StoreHealth
from domain.errors import Unavailable


class SqlHealth(StoreHealth):
    def __init__(self, engine: AsyncEngine) -> None:
        self._schema = Schema(engine)

    async def check(self) -> None:
        if await self._schema.is_behind():
            raise Unavailable("migrations-pending", "The database is older than this version; run: moothall db upgrade")

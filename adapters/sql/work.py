"""A transaction under way, as the repositories see it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.failures import translated, unavailable
from domain.errors import MoothallError

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Work:
    """Runs statements, and remembers the first that failed.

    After a failure PostgreSQL would answer COMMIT with a silent rollback; so `spoilt_by` has to be asked before. Of a
    statement that was cancelled nobody knows whether it happened: that is Unavailable to whoever goes on regardless.
    `left_jobs` says that there may be a job for the workers now; `changed` are the things that readers may have kept
    as they were.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.left_jobs = False
        self.changed: set[UUID] = set()
        self.spoilt_by: Exception | None = None

    @property
    def dialect(self) -> str:
        """Its name: `postgresql` or `sqlite`."""
        return self._connection.dialect.name

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Raises Conflict and Unavailable, as `failures` tells them."""
        try:
            with translated():
                return await self._connection.execute(statement, parameters)
        except BaseException as error:
            self.spoilt_by = self.spoilt_by or (error if isinstance(error, Exception) else unavailable())
            raise

    def spoil(self, error: MoothallError) -> MoothallError:
        """For a failure that only the repository can see."""
        self.spoilt_by = self.spoilt_by or error
        return error

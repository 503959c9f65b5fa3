"""A transaction under way, as the repositories see it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Executable, Select, Table, TextClause, UpdateBase, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.failures import translated, unavailable
from adapters.sql.lookups import CompiledStatements
from domain.errors import MoothallError

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Work:
    """Runs statements, and remembers the first that failed. `execute` runs any; `find` and `change` are the fast lane
    for the few of which most changes consist: on PostgreSQL they go to the driver as they are. `insert_many` is for
    thousands of rows.

    After a failure PostgreSQL would answer COMMIT with a silent rollback; so `spoilt_by` has to be asked before. Of a
    statement that was cancelled nobody knows whether it happened: that is Unavailable to whoever goes on regardless.
    `left_jobs` says that there may be a job for the workers now; `changed` are the things that readers may have kept
    as they were.
    """

    def __init__(self, connection: AsyncConnection, statements: CompiledStatements) -> None:
        self._connection = connection
        self._statements = statements
        self._driver: Any = None
        self.left_jobs = False
        self.changed: set[UUID] = set()
        self.spoilt_by: Exception | None = None

    @property
    def dialect(self) -> str:
        """Its name: `postgresql` or `sqlite`."""
        return self._connection.dialect.name

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Raises Conflict and Unavailable, as `failures` tells them."""
        with self._spoiling():
            return await self._connection.execute(statement, parameters)

    async def find(self, statement: Select[Any], values: Mapping[str, Any]) -> Sequence[Any]:
        """Rows, with columns as attributes. Raises as `execute` does."""
        if self.dialect != "postgresql":
            return (await self.execute(statement, values)).all()
        compiled = self._statements.of(statement, values)
        return compiled.rows(await self._ask_driver("fetch", compiled.text, compiled.arguments(values)))

    async def change(self, statement: UpdateBase | TextClause, values: Mapping[str, Any]) -> int:
        """How many rows it changed, of a statement that returns none. Raises as `execute` does."""
        if self.dialect != "postgresql":
            return (await self.execute(statement, values)).rowcount
        compiled = self._statements.of(statement, values)
        told: str = await self._ask_driver("execute", compiled.text, compiled.arguments(values))
        return int(told.rpartition(" ")[2])

    async def insert_many(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """By COPY on PostgreSQL, which takes a tenth of what INSERT does there; values as the columns hold them. Raises
        as `execute` does."""
        if not rows:
            return
        if self.dialect == "postgresql":
            await self._ask_driver("copy_records_to_table", table.name, records=rows, columns=columns)
        else:
            await self.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])

    async def read_by_index(self) -> None:
        """In this transaction, whatever is believed of the tables: a plan that was made while one was empty reads all
        of it, and is kept until somebody analyses the table. PostgreSQL only."""
        if self.dialect == "postgresql":
            await self.command("SET LOCAL enable_seqscan = off")

    async def plan_anew(self, *, from_now_on: bool) -> None:
        """Statements that others have planned already; where foreign keys are checked, each check would be. PostgreSQL
        only."""
        if self.dialect == "postgresql":
            await self.command(f"SET LOCAL plan_cache_mode = {'force_custom_plan' if from_now_on else 'auto'}")

    async def command(self, text: str) -> None:
        """BEGIN, COMMIT and the like: no values, no rows; on PostgreSQL also several, separated by semicolons."""
        if self.dialect == "postgresql":
            await self._ask_driver("execute", text)
        else:
            with self._spoiling():
                await self._connection.exec_driver_sql(text)

    async def _ask_driver(self, method: str, text: str, arguments: Sequence[Any] = (), **options: Any) -> Any:
        with self._spoiling():
            if self._driver is None:
                self._driver = (await self._connection.get_raw_connection()).driver_connection
            try:
                return await getattr(self._driver, method)(text, *arguments, **options)
            except Exception as error:
                if self._driver.is_closed():
                    raise unavailable() from error
                raise

    @contextmanager
    def _spoiling(self) -> Iterator[None]:
        """Around a statement: whatever goes wrong with it is the end of the whole."""
        try:
            with translated():
                yield
        except BaseException as error:
            self.spoilt_by = self.spoilt_by or (error if isinstance(error, Exception) else unavailable())
            raise

    def spoil(self, error: MoothallError) -> MoothallError:
        """For a failure that only the repository can see."""
        self.spoilt_by = self.spoilt_by or error
        return error

"""How a database finds what it is asked for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(frozen=True)
class Asked:
    """What an engine was asked since, so that the database can be asked how it finds the answer."""

    engine: AsyncEngine
    statements: list[tuple[str, Any]]

    @classmethod
    def on(cls, engine: AsyncEngine | None) -> "Asked":
        assert engine is not None
        asked = cls(engine, [])

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def remember(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
            asked.statements.append((statement, parameters))

        return asked

    async def plan(self, *, whatever_it_costs: bool = False) -> list[str]:
        """The steps in which the last statement is answered.

        What PostgreSQL chooses for a few rows depends on when it last counted them. With `whatever_it_costs` it reads
        whole tables and sorts only where no index makes it needless.
        """
        *earlier, (statement, parameters) = self.statements
        is_sqlite = self.engine.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN (COSTS OFF)"
        async with self.engine.connect() as connection:
            if whatever_it_costs and not is_sqlite:
                for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                    await connection.exec_driver_sql(f"SET enable_{way} = off")
            steps = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plan = [str(step[-1]) for step in steps]
            if not is_sqlite:
                await connection.exec_driver_sql("RESET ALL")
        self.statements[:] = earlier
        return plan

    async def done(self) -> "Done":
        """What PostgreSQL did for all statements since the last time, by doing it once more."""
        statements = self.statements[:]
        done, milliseconds = Done([]), 0.0
        async with self.engine.connect() as connection:
            for statement, parameters in statements:
                answer = await connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters
                )
                plan = answer.scalar_one()
                (explained,) = json.loads(plan) if isinstance(plan, str) else plan
                done.steps.extend(_steps(explained["Plan"]))
                milliseconds += explained["Execution Time"]
        self.statements.clear()
        return replace(done, milliseconds=milliseconds)

    async def done_when_kept(self) -> "Done":
        """What PostgreSQL does for the last statement, after it was prepared and carried out often with the parameters
        of the first."""
        (statement, often), (same, parameters) = self.statements
        assert statement == same
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql(f"PREPARE kept AS {statement}")
            for _ in range(10):
                await connection.exec_driver_sql(f"EXECUTE kept({_literals(often)})")
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE kept({_literals(parameters)})"
            plan = (await connection.exec_driver_sql(explain)).scalar_one()
            await connection.exec_driver_sql("DEALLOCATE kept")
        (explained,) = json.loads(plan) if isinstance(plan, str) else plan
        return Done(list(_steps(explained["Plan"])))


@dataclass(frozen=True)
class Done:
    """The steps of plans that were carried out, and how long that took."""

    steps: list[Mapping[str, Any]]
    milliseconds: float = 0.0

    @property
    def rows_read(self) -> int:
        """From tables and their indexes, whether or not anybody wanted them."""
        return sum(_read(step) for step in self.steps if "Relation Name" in step)

    def rows_read_from(self, table: str) -> int:
        return sum(_read(step) for step in self.steps if step.get("Relation Name") == table)

    @property
    def indexes(self) -> set[str]:
        """Those that were used."""
        return {step["Index Name"] for step in self.steps if "Index Name" in step and step["Actual Loops"]}

    @property
    def kinds(self) -> set[str]:
        return {step["Node Type"] for step in self.steps if step["Actual Loops"]}


def _literals(parameters: Any) -> str:
    return ", ".join(f"'{value}'" for value in parameters)


def _steps(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)


def _read(step: Mapping[str, Any]) -> int:
    unwanted = (step.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck", "Join Filter"))
    return round((step["Actual Rows"] + sum(unwanted)) * step["Actual Loops"])

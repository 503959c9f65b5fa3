"""How a database finds what it is asked for."""

from dataclasses import dataclass
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

    async def plan(self) -> list[str]:
        """The steps in which the last statement is answered."""
        statement, parameters = self.statements.pop()
        explain = "EXPLAIN QUERY PLAN" if self.engine.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF)"
        async with self.engine.connect() as connection:
            plan = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
            return [str(step[-1]) for step in plan]

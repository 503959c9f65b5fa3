"""Statements that are compiled once and then handed to the driver as text.

What SQLAlchemy does for each execution costs more than the database needs for a row that an index finds. Every request
needs such a row, and every change leaves some: an entry in the trail, an event, its deliveries.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Select

Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """`text` has the driver's placeholders; values are converted on the way in and out as SQLAlchemy would do it."""

    text: str
    _parameters: Sequence[tuple[str, Convert]]
    _columns: Sequence[tuple[str, Convert]]

    @classmethod
    def of(cls, statement: ClauseElement, dialect: Dialect, given: Iterable[str]) -> "Compiled":
        """`given` are the names of the values that come with it: an INSERT stores these and no others."""
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(given))
        return cls(
            str(compiled),
            [
                (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
                for name in compiled.positiontup or ()
            ],
            [
                (str(column.key), column.type.dialect_impl(dialect).result_processor(dialect, None))
                for column in (statement.selected_columns if isinstance(statement, Select) else ())
            ],
        )

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        return [convert(values[name]) if convert else values[name] for name, convert in self._parameters]

    def rows(self, records: Iterable[Iterable[Any]]) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                **{
                    name: convert(value) if convert else value
                    for (name, convert), value in zip(self._columns, record, strict=True)
                }
            )
            for record in records
        ]


class CompiledStatements:
    """The few that were asked for, each as it was compiled for this database. A statement always comes with values of
    the same names."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[ClauseElement, Compiled] = {}

    def of(self, statement: ClauseElement, values: Mapping[str, Any]) -> Compiled:
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = Compiled.of(statement, self._dialect, values)
        return compiled

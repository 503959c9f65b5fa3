"""Statements that are compiled once and then handed to the driver as text.

What SQLAlchemy does for each execution costs more than the database needs for a row that an index finds; and every
request needs such a row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Dialect, Select

Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """`text` has the driver's placeholders; values are converted on the way in and out as SQLAlchemy would do it."""

    text: str
    _parameters: Sequence[tuple[str, Convert]]
    _columns: Sequence[tuple[str, Convert]]

    @classmethod
    def of(cls, statement: Select[Any], dialect: Dialect) -> "Lookup":
        compiled = statement.compile(dialect=dialect)
        return cls(
            str(compiled),
            [
                (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
                for name in compiled.positiontup or ()
            ],
            [
                (str(column.key), column.type.dialect_impl(dialect).result_processor(dialect, None))
                for column in statement.selected_columns
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

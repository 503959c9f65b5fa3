"""Statements that are compiled once and then handed to the driver as text.

What SQLAlchemy does for every execution costs more than PostgreSQL and SQLite need for a row that an index finds, and
every request needs such a row.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Select

Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """`text` with the driver's placeholders, and what the values need on the way in and out."""

    text: str
    _parameters: Sequence[tuple[str, Convert]]
    _columns: Sequence[Convert]
    _row: Callable[[Iterable[Any]], Any]

    @classmethod
    def of(cls, statement: Select[Any], dialect: Dialect) -> "Lookup":
        compiled = statement.compile(dialect=dialect)
        names = compiled.positiontup or ()  # type: ignore[attr-defined]
        columns = statement.selected_columns
        return cls(
            str(compiled),
            [(name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names],
            [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns],
            namedtuple("LookedUp", [column.key for column in columns])._make,
        )

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        return [convert(values[name]) if convert else values[name] for name, convert in self._parameters]

    def rows(self, records: Iterable[Iterable[Any]]) -> list[Any]:
        """With the columns as attributes, as SQLAlchemy's rows have them."""
        return [
            self._row(convert(value) if convert else value for convert, value in zip(self._columns, record, strict=True))
            for record in records
        ]

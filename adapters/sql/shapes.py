"""What tables look like, and how their values are written down where neither database is: in a backup.

A value is a JSON value there, and which one its tag says: `uuid` is 32 hexadecimal digits, `time` is RFC 3339 in UTC to
the microsecond, `bytes` is base64; `int`, `bool` and `text` are as they are. Shapes are read from the database and not
from `tables.py`: of an older revision they are other ones.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.sql.engine import POSTGRESQL, SQLITE

Row = Sequence[Any]
Convert = Callable[[Any], Any]
ConvertRows = Callable[[Iterable[Row]], list[list[Any]]]

TAGS: Mapping[str, str] = {
    "uuid": "uuid",
    "CHAR(32)": "uuid",
    "timestamptz": "time",
    "DATETIME": "time",
    "bytea": "bytes",
    "BLOB": "bytes",
    "bool": "bool",
    "BOOLEAN": "bool",
    "int4": "int",
    "int8": "int",
    "INTEGER": "int",
    "BIGINT": "int",
    "text": "text",
    "TEXT": "text",
}
"""By the name that PostgreSQL or SQLite has for a column's type."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's name, and its columns in their order: the tag of each by its name."""

    table: str
    columns: Mapping[str, str]


def read_postgresql_time(value: datetime) -> str:
    """The driver gives times in UTC."""
    return f"{value.isoformat('T', 'microseconds')[:26]}Z"


def _read_sqlite_time(value: str) -> str:
    return f"{value[:10]}T{value[11:]}Z"


def _as_sqlite_time(value: str) -> str:
    datetime.fromisoformat(value)  # SQLite would store whatever stands there
    return f"{value[:10]} {value[11:-1]}"


def _as_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _from_base64(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


READING: Mapping[str, Mapping[str, Convert]] = {
    POSTGRESQL: {"uuid": lambda value: value.hex, "time": read_postgresql_time, "bytes": _as_base64},
    SQLITE: {"time": _read_sqlite_time, "bytes": _as_base64, "bool": bool},
}
"""From what the driver gives to what stands in a backup, where that is not the same."""

WRITING: Mapping[str, Mapping[str, Convert]] = {
    POSTGRESQL: {"uuid": UUID, "time": datetime.fromisoformat, "bytes": _from_base64},
    SQLITE: {"time": _as_sqlite_time, "bytes": _from_base64},
}
"""The other way round."""


def conversion(shape: Shape, by_tag: Mapping[str, Convert]) -> ConvertRows:
    """For whole batches of rows.

    Raises (when it is called):
        TypeError, ValueError: a row is not of this shape.
    """
    width = len(shape.columns)
    converted = [(place, by_tag[tag]) for place, tag in enumerate(shape.columns.values()) if tag in by_tag]

    def convert(rows: Iterable[Row]) -> list[list[Any]]:
        made = [list(row) for row in rows]
        if any(len(row) != width for row in made):
            raise ValueError(f"A row of {shape.table} has not {width} values.")
        for place, of_one in converted:
            for row in made:
                if row[place] is not None:
                    row[place] = of_one(row[place])
        return made

    return convert


def column_names(shape: Shape) -> str:
    """For SQL."""
    return ", ".join(quoted(name) for name in shape.columns)


def quoted(name: str) -> str:
    return f'"{name}"'

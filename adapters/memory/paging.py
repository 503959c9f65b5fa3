"""Pages of a list, from all of its rows."""

from typing import TypeVar
from uuid import UUID

from application.paging import Position, Row, SortValue

T = TypeVar("T")


def page(rows: list[Row[T]], *, after: Position | None, offset: int, limit: int, descending: bool) -> list[Row[T]]:
    """The rows in order, from behind `after` (or else from `offset`) on."""
    rows.sort(key=_order, reverse=descending)
    if after is not None:
        mark = after.value, after.id
        rows = [row for row in rows if (_order(row) < mark if descending else _order(row) > mark)]
        offset = 0
    return rows[offset : offset + limit]


def _order(row: Row[T]) -> tuple[SortValue, UUID]:
    return row.position.value, row.position.id

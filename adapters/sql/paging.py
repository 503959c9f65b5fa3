"""Pages of a list: by offset, or from behind a row, which costs the same at any depth where an index has the order."""

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, tuple_

from application.paging import Position


def paged(
    statement: Select[Any], value: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool, continues: bool
) -> Select[Any]:
    """The statement with its order, its beginning and its end; `place` has the parameters.

    `continues`: from behind a position, else from an offset.
    """
    if continues:
        statement = statement.where(behind(value, row_id, descending=descending))
    return cut(statement, value, row_id, descending=descending, continues=continues)


def behind(value: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool) -> ColumnElement[bool]:
    """Whether a row comes after the position."""
    here = tuple_(value, row_id)
    mark = tuple_(bindparam("after_value", type_=value.type), bindparam("after_id", type_=row_id.type))
    return here < mark if descending else here > mark


def cut(
    statement: Select[Any], value: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool, continues: bool
) -> Select[Any]:
    """The same for a statement whose rows all come after the position already."""
    if not continues:
        statement = statement.offset(bindparam("offset"))
    return statement.order_by(*order(value, row_id, descending=descending)).limit(bindparam("limit"))


def order(
    value: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return (value.desc(), row_id.desc()) if descending else (value, row_id)


def place(after: Position | None, offset: int, limit: int) -> dict[str, object]:
    if after is None:
        return {"offset": offset, "limit": limit}
    return {"after_value": after.value, "after_id": after.id, "limit": limit}

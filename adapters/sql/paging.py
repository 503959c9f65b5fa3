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
        here = tuple_(value, row_id)
        mark = tuple_(bindparam("after_value", type_=value.type), bindparam("after_id", type_=row_id.type))
        statement = statement.where(here < mark if descending else here > mark)
    else:
        statement = statement.offset(bindparam("offset"))
    order = (value.desc(), row_id.desc()) if descending else (value, row_id)
    return statement.order_by(*order).limit(bindparam("limit"))


def place(after: Position | None, offset: int, limit: int) -> dict[str, object]:
    if after is None:
        return {"offset": offset, "limit": limit}
    return {"after_value": after.value, "after_id": after.id, "limit": limit}

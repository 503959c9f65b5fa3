"""Any number of ids as one parameter, so that each statement is one and the same however many are asked for."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, TableValuedAlias, Text, Uuid, any_, bindparam, cast, column, func, select


def rows_of_ids(on_postgresql: bool) -> TableValuedAlias:
    """The ids as rows, in a column `value`."""
    value: Any = column("value", Uuid)
    if on_postgresql:
        return func.unnest(_array()).table_valued(value, name="given").render_derived()
    return func.json_each(bindparam("ids", type_=Text)).table_valued(value, name="given")


def is_given(id: ColumnElement[Any], on_postgresql: bool) -> ColumnElement[bool]:
    """Whether it is one of them."""
    return id == any_(_array()) if on_postgresql else id.in_(select(rows_of_ids(on_postgresql).c.value))


def as_parameter(ids: Collection[UUID], on_postgresql: bool) -> dict[str, object]:
    return {"ids": list(ids) if on_postgresql else json.dumps([id.hex for id in ids])}


def _array() -> Any:
    return cast(bindparam("ids"), ARRAY(Uuid))

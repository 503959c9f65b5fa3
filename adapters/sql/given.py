"""Any number of ids or texts as one parameter: each statement is one and the same however many are asked for."""

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


def is_given_text(text: ColumnElement[Any], on_postgresql: bool) -> ColumnElement[bool]:
    """The same of a text."""
    if on_postgresql:
        return text == any_(cast(bindparam("texts"), ARRAY(Text)))
    value: Any = column("value", Text)
    given = func.json_each(bindparam("texts", type_=Text)).table_valued(value, name="given")
    return text.in_(select(given.c.value))


def texts_as_parameter(texts: Collection[str], on_postgresql: bool) -> dict[str, object]:
    return {"texts": list(texts) if on_postgresql else json.dumps(list(texts))}

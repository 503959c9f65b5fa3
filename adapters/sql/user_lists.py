"""The list of users: how a page of it is found. See docs/decisions/0030.

**Walked**: an index has the rows in their order, and reading ends with the page. Each such index begins with both flags
(that of a role's holders with the role), so that what a filter leaves open is merged: one walk for each state, in step.
**Gathered**, on PostgreSQL: where few have the words, another index finds them all, and they are sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from adapters.sql.paging import behind, cut, order, paged
from adapters.sql.tables import USER_ORDERS, user_roles, users
from adapters.sql.text import storable
from adapters.sql.user_views import SHOWN, VIEW, view_of
from adapters.sql.words import ALL, SAMPLED, PlaceOf
from application.identity.views import UserFilters
from application.paging import Sort
from domain.text import words

_LONGEST_LEXEME = 100  # letters; as the index has them
_LEXEMES: ColumnElement[Any] = literal_column(
    r"array_to_tsvector(string_to_array(ltrim("
    r"regexp_replace(users.search_text, '([^ ]{100})[^ ]+', '\1', 'g')), ' '))"
)
_IN_SAMPLE: ColumnElement[bool] = literal_column("get_byte(uuid_send(users.id), 15) < 4", Boolean)
_HOLDER = (  # asked for one by one: where EXISTS stood, all holders would be read
    select(user_roles.c.user_id)
    .where(user_roles.c.user_id == users.c.id, user_roles.c.role == bindparam("role"))
    .correlate(users)
    .scalar_subquery()
)


def _begins(number: int) -> ColumnElement[bool]:
    """Whether a word begins with the one that was asked for, as the indexes have it."""
    return _LEXEMES.bool_op("@@")(cast(cast(bindparam(f"lexeme_{number}"), Text), TSQUERY))


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a list's statement depends on; the rest are parameters."""

    role: bool
    is_active: bool | None
    is_verified: bool | None
    words: int

    def flags(self, table: FromClause) -> list[ColumnElement[bool]]:
        wanted = ((table.c.is_active, self.is_active), (table.c.is_verified, self.is_verified))
        return [column if state else ~column for column, state in wanted if state is not None]

    def states(self) -> list["Shape"]:
        """The same with every flag set: together these are all that is wanted, and nobody is in two."""
        both = (True, False)
        return [
            Shape(self.role, is_active, is_verified, self.words)
            for is_active, is_verified in product(
                both if self.is_active is None else (self.is_active,),
                both if self.is_verified is None else (self.is_verified,),
            )
        ]

    def has_words(self, text: ColumnElement[str]) -> list[ColumnElement[bool]]:
        return [PlaceOf("place_of", text, bindparam(f"word_{n}")) > 0 for n in range(self.words)]


@dataclass(frozen=True, slots=True)
class Choice:
    shape: Shape
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, filters: UserFilters) -> "Choice | None":
        """None where nothing can be found: a role that no store could hold, or a search without a word."""
        parameters = {}
        if filters.role is not None:
            if not storable(filters.role):
                return None
            parameters["role"] = filters.role
        wanted = list(dict.fromkeys(words(filters.q))) if filters.q is not None else []
        if filters.q is not None and not wanted:
            return None
        parameters |= {f"word_{n}": f" {word}" for n, word in enumerate(wanted)}
        # Letters and digits, so that nothing in them means anything between the quotes.
        parameters |= {f"lexeme_{n}": f"'{word[:_LONGEST_LEXEME]}':*" for n, word in enumerate(wanted)}
        shape = Shape(filters.role is not None, filters.is_active, filters.is_verified, len(wanted))
        return cls(shape, parameters)


@lru_cache
def walked(shape: Shape, sort: Sort, continues: bool) -> Select[Any]:
    """A page, by the index that has the order.

    Words are looked for in what was merged, which LIMIT ensures: else a part in which nobody has them would be read to
    its end before the others may begin.
    """
    rows: FromClause = union_all(*(_part(state, sort, continues) for state in shape.states())).subquery("parts")
    if shape.words:
        merged = select(rows).order_by(*order(rows.c.position, rows.c.id, descending=sort.descending))
        rows = merged.limit(ALL).subquery("merged")
    if not shape.role:
        found: Select[Any] = view_of(rows).add_columns(rows.c.position).where(*shape.has_words(rows.c.search_text))
        return cut(found, rows.c.position, rows.c.id, descending=sort.descending, continues=continues)

    text = select(users.c.search_text).where(users.c.id == rows.c.id).correlate(rows).scalar_subquery()
    held: Select[Any] = select(rows).where(*shape.has_words(text))
    page = cut(held, rows.c.position, rows.c.id, descending=sort.descending, continues=continues).subquery("page")
    listed = VIEW.add_columns(page.c.position).join(page, page.c.id == users.c.id)
    return listed.order_by(*order(page.c.position, page.c.id, descending=sort.descending))


def _part(state: Shape, sort: Sort, continues: bool) -> Select[Any]:
    """Those in one state, in order and no more than may be needed, which nobody knows where words are looked for.

    That this is said of each part makes PostgreSQL merge them in step, and read of all hardly more than the page."""
    table = user_roles if state.role else users
    row_id, value = table.c["user_id" if state.role else "id"], table.c[USER_ORDERS[sort.field]]
    if state.role:
        part = select(row_id.label("id"), value.label("position")).where(table.c.role == bindparam("role"))
    else:
        part = select(*(table.c[name] for name in SHOWN), table.c.search_text, value.label("position"))
    if continues:
        part = part.where(behind(value, row_id, descending=sort.descending))
    part = part.where(*state.flags(table)).order_by(*order(value, row_id, descending=sort.descending))
    return select(part.limit(ALL if state.words else bindparam("reach")).subquery())


@lru_cache
def sampled(number: int) -> Select[Any]:
    """How many accounts of the sample have all of so many words, and how many have each. PostgreSQL only."""

    def count(*numbers: int) -> ColumnElement[int]:
        found: Select[Any] = select(literal_column("1")).select_from(users)
        found = found.where(_IN_SAMPLE, *map(_begins, numbers)).limit(SAMPLED)
        return select(func.count()).select_from(found.subquery()).scalar_subquery()

    each = map(count, range(number)) if number > 1 else ()
    return Select(count(*range(number)), *each)


@lru_cache
def gathered(shape: Shape, sort: Sort, continues: bool, by: tuple[int, ...]) -> Select[Any]:
    """A page of the few who have the words. PostgreSQL only, which is kept from walking by MATERIALIZED."""
    value = users.c[USER_ORDERS[sort.field]]
    found: Select[Any] = select(*(users.c[name] for name in SHOWN), value.label("position"))
    found = found.where(*map(_begins, by), *shape.has_words(users.c.search_text), *shape.flags(users))
    if shape.role:
        found = found.where(users.c.id == _HOLDER)
    few = found.cte("few").prefix_with("MATERIALIZED")
    return paged(
        view_of(few).add_columns(few.c.position),
        few.c.position,
        few.c.id,
        descending=sort.descending,
        continues=continues,
    )


@lru_cache
def whole(shape: Shape) -> Select[Any]:
    """All of the list, by id. Of what is read to its end no order needs an index of its own."""
    found = VIEW.where(*shape.flags(users), *shape.has_words(users.c.search_text))
    if shape.role:
        found = found.where(users.c.id == _HOLDER)
    return found.order_by(users.c.id)


@lru_cache
def counted(shape: Shape, *, by_lexemes: bool) -> Select[Any]:
    table = user_roles if shape.role else users
    count = select(func.count()).select_from(table).where(*shape.flags(table))
    if shape.role:
        count = count.where(user_roles.c.role == bindparam("role"))
    if shape.words:
        count = count.where(
            *shape.has_words(users.c.search_text), *(map(_begins, range(shape.words)) if by_lexemes else ())
        )
        if shape.role:
            count = count.where(user_roles.c.user_id == users.c.id)
    return count

"""The lists of posts: how a page of them is found. See docs/decisions/0033.

As in the list of users, a page is **walked** along the index that has its order, or, where few posts have the words,
these are **gathered** by an index of words, and sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from adapters.sql.paging import behind, cut, order, paged
from adapters.sql.tables import posts, users
from adapters.sql.words import SAMPLED, PlaceOf
from application.paging import Sort
from application.posts.views import PostFilters
from domain.posts.post import wanted_words

FEW = 3_500
"""Posts with the words that SQLite sorts rather than to walk."""

_LEXEMES: ColumnElement[Any] = literal_column("array_to_tsvector(string_to_array(ltrim(posts.search_text), ' '))")
_IN_SAMPLE: ColumnElement[bool] = literal_column("get_byte(uuid_send(posts.id), 15) < 4", Boolean)
_words_of_posts = table("post_words", column("rowid"), column("post_words"))
_MATCHING = select(_words_of_posts.c.rowid).where(_words_of_posts.c.post_words.op("MATCH")(bindparam("match")))
"""All of the words at once, on SQLite."""

_AT_MOST = select(literal_column(str(SAMPLED))).scalar_subquery()
"""As a LIMIT that PostgreSQL does not look into: it would rather read the table than the index for so few."""

SHOWN: Select[Any] = select(
    *(posts.c[name] for name in ("id", "title", "content", "is_published", "published_at", "created_at", "updated_at")),
    posts.c.version,
    posts.c.author_id,
    users.c.username,
    users.c.first_name,
    users.c.last_name,
)
"""What a reader sees of a post and of its author; to be joined."""


def _begins(number: int) -> ColumnElement[bool]:
    """Whether a word begins with the one that was asked for, as PostgreSQL's indexes have it."""
    return _LEXEMES.bool_op("@@")(cast(cast(bindparam(f"lexeme_{number}"), Text), TSQUERY))


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a list's statement depends on; the rest are parameters."""

    of_one: bool
    is_published: bool | None
    words: int

    def passes(self) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if self.of_one:
            conditions.append(posts.c.author_id == bindparam("author_id"))
        if self.is_published is not None:
            conditions.append(posts.c.is_published if self.is_published else ~posts.c.is_published)
        return conditions

    def has_words(self) -> list[ColumnElement[bool]]:
        return [PlaceOf("place_of", posts.c.search_text, bindparam(f"word_{n}")) > 0 for n in range(self.words)]


@dataclass(frozen=True, slots=True)
class Choice:
    shape: Shape
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, filters: PostFilters) -> "Choice | None":
        """None where nothing can be found: a search without a word."""
        parameters: dict[str, Any] = {} if filters.author_id is None else {"author_id": filters.author_id}
        wanted = wanted_words(filters.q) if filters.q is not None else []
        if filters.q is not None and not wanted:
            return None
        parameters |= {f"word_{n}": f" {word}" for n, word in enumerate(wanted)}
        # Letters and digits, so that nothing in them means anything between the quotes.
        parameters |= {f"lexeme_{n}": f"'{word}':*" for n, word in enumerate(wanted)}
        parameters["match"] = " ".join(f'"{word}"*' for word in wanted)
        return cls(Shape(filters.author_id is not None, filters.is_published, len(wanted)), parameters)


@lru_cache
def walked(shape: Shape, sort: Sort, continues: bool) -> Select[Any]:
    """A page, by the index that has the order."""
    value = posts.c[sort.field]
    found = SHOWN.add_columns(value.label("position")).join_from(posts, users, users.c.id == posts.c.author_id)
    found = found.where(*shape.passes(), *shape.has_words())
    return paged(found, value, posts.c.id, descending=sort.descending, continues=continues)


@lru_cache
def gathered(shape: Shape, sort: Sort, continues: bool, by: tuple[int, ...]) -> Select[Any]:
    """A page of the few that have the words; on PostgreSQL gathered `by` some of them, on SQLite by all."""
    few = select(posts.c.number, posts.c.id, posts.c[sort.field].label("position")).where(*shape.passes())
    if by:
        few = few.where(*map(_begins, by))
        if len(by) < shape.words:
            few = few.where(*shape.has_words())
    else:
        few = few.where(posts.c.number.in_(_MATCHING))
    rows = few.cte("few").prefix_with("MATERIALIZED")
    found: Select[Any] = select(rows)
    if continues:
        found = found.where(behind(rows.c.position, rows.c.id, descending=sort.descending))
    page = cut(found, rows.c.position, rows.c.id, descending=sort.descending, continues=continues).subquery("page")
    listed = (
        SHOWN.add_columns(page.c.position)
        .join_from(page, posts, posts.c.number == page.c.number)
        .join(users, users.c.id == posts.c.author_id)
    )
    return listed.order_by(*order(page.c.position, page.c.id, descending=sort.descending))


@lru_cache
def sampled(number: int) -> Select[Any]:
    """How many posts of the sample have all of so many words, and how many have each. PostgreSQL only."""

    def count(*numbers: int) -> ColumnElement[int]:
        found: Select[Any] = select(literal_column("1")).select_from(posts)
        found = found.where(_IN_SAMPLE, *map(_begins, numbers)).limit(_AT_MOST)
        return select(func.count()).select_from(found.subquery()).scalar_subquery()

    each = map(count, range(number)) if number > 1 else ()
    return Select(count(*range(number)), *each)


MATCHING: Select[Any] = select(func.count()).select_from(_MATCHING.limit(FEW + 1).subquery())
"""How many posts have the words, if there are but few. SQLite only."""


@lru_cache
def counted(shape: Shape, *, by_lexemes: bool) -> Select[Any]:
    count = select(func.count()).select_from(posts).where(*shape.passes())
    if not shape.words:
        return count
    return count.where(*map(_begins, range(shape.words))) if by_lexemes else count.where(posts.c.number.in_(_MATCHING))

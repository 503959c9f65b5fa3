"""Lists in pages: numbered ones that count, and cursors that cost the same at any depth."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from domain.errors import Invalid

LARGEST_PAGE = 100
DEEPEST_ROW = 10_000

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
SortValue = str | datetime


@dataclass(frozen=True, slots=True)
class Sort:
    """`field` is one that the list names; rows that are equal in it are ordered by id, in the same direction."""

    field: str
    descending: bool

    @classmethod
    def parse(cls, text: str, fields: Sequence[str]) -> "Sort":
        """From `created_at` or `-created_at`.

        Raises:
            Invalid: `bad-sort`, naming the fields that there are.
        """
        name = text.removeprefix("-")
        if name not in fields:
            raise Invalid.field("bad-sort", "/sort", f"This list sorts by {', '.join(fields)}; a - turns it round.")
        return cls(name, text.startswith("-"))

    @property
    def by_time(self) -> bool:
        return self.field == "at" or self.field.endswith("_at")

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


@dataclass(frozen=True, slots=True)
class Position:
    """The row after which a page begins."""

    value: SortValue
    id: UUID


@dataclass(frozen=True, slots=True)
class Row(Generic[T_co]):
    """A view, and where it stands in the order that was asked for."""

    position: Position
    value: T_co


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Either a numbered page (`number`, from 1), or what follows a cursor (`cursor`; empty: from the start).

    With neither it is page 1.
    """

    size: int = 20
    number: int | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= LARGEST_PAGE:
            raise Invalid.field("bad-page", "/page_size", f"A page has 1 to {LARGEST_PAGE} rows.")
        if self.number is not None and self.cursor is not None:
            raise Invalid.field("bad-page", "/page", "Ask for a page or for a cursor, not for both.")
        if self.number is not None and self.number < 1:
            raise Invalid.field("bad-page", "/page", "Pages are counted from 1.")
        if self.number is not None and self.number * self.size > DEEPEST_ROW:
            raise Invalid.field(
                "page-too-deep", "/page", f"Pages reach {DEEPEST_ROW} rows deep; beyond that follow next_cursor."
            )

    @property
    def counts(self) -> bool:
        return self.cursor is None

    @property
    def offset(self) -> int:
        return ((self.number or 1) - 1) * self.size

    def after(self, sort: Sort) -> Position | None:
        """Where the cursor points.

        Raises:
            Invalid: `bad-cursor`; it is not one of ours, or was made for another order.
        """
        return decode_cursor(self.cursor, sort) if self.cursor else None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`total`, `page` and `pages` are None where the list was not counted; `next_cursor` is None at the end."""

    items: Sequence[T]
    next_cursor: str | None
    total: int | None
    page: int | None
    page_size: int
    pages: int | None

    @classmethod
    def of(cls, rows: Sequence[Row[T]], request: PageRequest, sort: Sort, total: int | None) -> "Page[T]":
        """From up to `size + 1` rows: one more than asked for tells that there is a next page."""
        more = len(rows) > request.size
        return cls(
            items=[row.value for row in rows[: request.size]],
            next_cursor=encode_cursor(rows[request.size - 1].position, sort) if more else None,
            total=total,
            page=(request.number or 1) if total is not None else None,
            page_size=request.size,
            pages=-(-total // request.size) if total is not None else None,
        )


class ReadRows(Protocol[T_co]):
    """Up to `limit` rows of a list in its order: from behind `after`, or else from the `offset` on."""

    async def __call__(self, *, after: Position | None, offset: int, limit: int) -> "Sequence[Row[T_co]]": ...


async def read_page(
    request: PageRequest, sort: Sort, rows: ReadRows[T], count: Callable[[], Awaitable[int]]
) -> Page[T]:
    """The page that was asked for; the list is counted only for a numbered one."""
    found = await rows(after=request.after(sort), offset=request.offset, limit=request.size + 1)
    return Page.of(found, request, sort, await count() if request.counts else None)


async def walk(rows: ReadRows[T]) -> AsyncIterator[Sequence[T]]:
    """The whole list, from its beginning, so many at a time."""
    after: Position | None = None
    while True:
        found = await rows(after=after, offset=0, limit=LARGEST_PAGE)
        yield [row.value for row in found]
        if len(found) < LARGEST_PAGE:
            return
        after = found[-1].position


def encode_cursor(position: Position, sort: Sort) -> str:
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    text = json.dumps([str(sort), value, position.id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: Sort) -> Position:
    try:
        made_for, value, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if made_for != str(sort) or b"\0" in value.encode():
            raise ValueError(cursor)
        if sort.by_time:
            value = datetime.fromisoformat(value).astimezone(UTC)
        return Position(value, UUID(row_id))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Invalid.field(
            "bad-cursor", "/cursor", "This is not a cursor of this list in this order; take next_cursor as it came."
        ) from error

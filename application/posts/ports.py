"""What posts need from outside: their read side."""

from typing import Protocol
from uuid import UUID

from application.identity.views import Versioned
from application.paging import Position, Row, Sort
from application.posts.views import PostFilters, PostView


class PostQueries(Protocol):
    """Views, each with its author, who is read in the same statement; outside of any unit of work."""

    async def post(self, post_id: UUID) -> Versioned[PostView] | None: ...

    async def posts(
        self, filters: PostFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[PostView]]:
        """In the order of `sort`, ties by id. By `published_at` only what is published can be listed."""
        ...

    async def count_posts(self, filters: PostFilters) -> int: ...

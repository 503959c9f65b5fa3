"""The read side of posts."""

from uuid import UUID

from adapters.memory.database import MemoryDatabase
from adapters.memory.paging import page
from application.identity.views import UserView, Versioned
from application.paging import Position, Row, Sort
from application.posts.ports import PostQueries
from application.posts.views import AuthorView, PostFilters, PostView, shown_post
from domain.posts.post import Post, wanted_words


class MemoryPostQueries(PostQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def post(self, post_id: UUID) -> Versioned[PostView] | None:
        post = self._database.posts.get(post_id)
        return self._shown(post) if post else None

    async def posts(
        self, filters: PostFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[PostView]]:
        rows = [Row(Position(getattr(post, sort.field), post.id), post) for post in self._found(filters)]
        found = page(rows, after=after, offset=offset, limit=limit, descending=sort.descending)
        return [Row(row.position, self._shown(row.value).value) for row in found]

    async def count_posts(self, filters: PostFilters) -> int:
        return len(self._found(filters))

    def _shown(self, post: Post) -> Versioned[PostView]:
        return shown_post(post, AuthorView.of(UserView.of(self._database.users[post.author_id])))

    def _found(self, filters: PostFilters) -> list[Post]:
        wanted = None if filters.q is None else wanted_words(filters.q)
        return [post for post in self._database.posts.values() if _passes(post, filters, wanted)]


def _passes(post: Post, filters: PostFilters, wanted: list[str] | None) -> bool:
    """`wanted` are the words of `q`; a search without any finds nothing."""
    if filters.author_id not in (None, post.author_id) or filters.is_published not in (None, post.is_published):
        return False
    if wanted is None:
        return True
    text = post.search_text if wanted else ""
    return bool(wanted) and all(f" {word}" in text for word in wanted)

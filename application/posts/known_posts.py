"""What everybody reads is kept: posts that are published, the newest of them, and how many there are."""

from functools import partial
from uuid import UUID

from application.identity.views import Versioned
from application.paging import Page, PageRequest, Sort, read_page
from application.posts.ports import PostQueries
from application.posts.views import PostFilters, PostView
from application.remembering import POSTS, USERS, Changes, Remembered

MOST_KNOWN = 1_000
"""Posts that each process remembers."""
LONGEST_KNOWN = 10_000
"""Characters of one that is remembered, so that all together take some megabytes."""
MOST_COUNTED = 100
"""Different filters whose counts each process remembers."""
MOST_PAGES = 4
"""First pages, of different sizes."""
LONGEST_PAGE = 500_000
"""Characters of one that is remembered: a hundred posts at their longest have twenty times as many."""

NEWEST_PUBLISHED = Sort("published_at", descending=True)
PUBLISHED = PostFilters(is_published=True)


class KnownPosts:
    """Kept until the post changes, or the account of who wrote it."""

    def __init__(self, queries: PostQueries, changes: Changes) -> None:
        self._queries = queries
        self._posts = Remembered[UUID, Versioned[PostView]](changes, most=MOST_KNOWN, worth_keeping=_is_worth_keeping)
        self._authors: dict[UUID, UUID] = {}
        self._first_pages = Remembered[PageRequest, Page[PostView]](
            changes, most=MOST_PAGES, worth_keeping=lambda page: _length(*page.items) <= LONGEST_PAGE
        )
        self._counts = Remembered[PostFilters, int](changes, most=MOST_COUNTED)

    async def post(self, post_id: UUID) -> Versioned[PostView] | None:
        """One that is a draft, or long, is read each time."""
        known = self._posts.get(post_id)
        if known is not None:
            return known
        author_id = self._authors.get(post_id)
        if author_id is None:  # at the first time it is not known yet what the answer depends on
            found = await self._queries.post(post_id)
            if found is not None and _is_worth_keeping(found):
                if len(self._authors) >= MOST_KNOWN:
                    del self._authors[next(iter(self._authors))]
                self._authors[post_id] = found.value.author.id
            return found
        return await self._posts.read(post_id, (post_id, author_id), lambda: self._queries.post(post_id))

    async def page(self, filters: PostFilters, sort: Sort, page: PageRequest) -> Page[PostView]:
        read = partial(
            read_page, page, sort, partial(self._queries.posts, filters, sort), partial(self._count, filters)
        )
        is_first = page.number in (None, 1) and not page.cursor
        if not is_first or filters != PUBLISHED or sort != NEWEST_PUBLISHED:
            return await read()
        known = self._first_pages.get(page) or await self._first_pages.read(page, (POSTS, USERS), read)
        assert known is not None  # noqa: S101
        return known

    async def _count(self, filters: PostFilters) -> int:
        known = self._counts.get(filters)
        if known is None:
            known = await self._counts.read(filters, (POSTS,), lambda: self._queries.count_posts(filters))
        return known or 0


def _is_worth_keeping(post: Versioned[PostView]) -> bool:
    return post.value.is_published and _length(post.value) <= LONGEST_KNOWN


def _length(*posts: PostView) -> int:
    return sum(len(post.content) for post in posts)

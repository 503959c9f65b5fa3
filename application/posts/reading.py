"""Reading posts: what is published, for everybody; drafts, for who wrote them."""

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from application.identity.accounts import no_such_user
from application.identity.ports import IdentityQueries
from application.identity.views import Versioned
from application.paging import Page, PageRequest, Sort
from application.posts.known_posts import NEWEST_PUBLISHED, KnownPosts
from application.posts.views import POST_SORTS, PostFilters, PostView
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, OWNER, Rule, holder, judge, require
from domain.errors import Invalid, NotFound

READ = Permission("posts:read", "See everybody's drafts.")

DRAFTS = OWNER | holder(READ)
"""Who sees the drafts of the owner."""
NEWEST_FIRST = Sort("created_at", descending=True)


@dataclass(frozen=True)
class ShowPost:
    """One that is published, to everybody; a draft to who wrote it, and to who holds `posts:read`. For all others there
    is no such draft."""

    rule: ClassVar[Rule] = ANYBODY | DRAFTS

    known: KnownPosts

    async def __call__(self, actor: Actor, *, post_id: UUID) -> Versioned[PostView]:
        """Raises NotFound (`post-not-found`)."""
        found = await self.known.post(post_id)
        if found is None or not (found.value.is_published or _sees_drafts(actor, found.value.author.id)):
            raise no_such_post()
        return found


@dataclass(frozen=True)
class ListPosts:
    """What is published, last published first. With `is_published` False: drafts, everybody's for who holds
    `posts:read`, else one's own."""

    rule: ClassVar[Rule] = ANYBODY | DRAFTS

    known: KnownPosts

    async def __call__(
        self,
        actor: Actor,
        *,
        filters: PostFilters = PostFilters(),
        sort: str | None = None,
        page: PageRequest = PageRequest(),
    ) -> Page[PostView]:
        """Raises Unauthenticated (`not-signed-in`) and Denied (`not-allowed`) for drafts that are not theirs to see,
        Invalid (`bad-sort`)."""
        if filters.is_published is None:
            filters = replace(filters, is_published=True)
        if not filters.is_published:
            if filters.author_id is None and not _sees_drafts(actor, None):
                filters = replace(filters, author_id=actor.user_id)
            require(actor, DRAFTS, owner=filters.author_id)
        return await self.known.page(filters, _order(filters, sort), page)


@dataclass(frozen=True)
class ListPostsOf:
    """What one member wrote: all of it to themselves and to who holds `posts:read`, else what is published."""

    rule: ClassVar[Rule] = ANYBODY | DRAFTS

    known: KnownPosts
    identity: IdentityQueries

    async def __call__(
        self,
        actor: Actor,
        *,
        user_id: UUID,
        is_published: bool | None = None,
        q: str | None = None,
        sort: str | None = None,
        page: PageRequest = PageRequest(),
    ) -> Page[PostView]:
        """Raises NotFound (`user-not-found`), and as `ListPosts` does Unauthenticated (`not-signed-in`), Denied
        (`not-allowed`), Invalid (`bad-sort`)."""
        if is_published is None and not _sees_drafts(actor, user_id):
            is_published = True
        if not is_published:
            require(actor, DRAFTS, owner=user_id)
        filters = PostFilters(user_id, is_published, q)
        order = _order(filters, sort)
        if await self.identity.user(user_id) is None:
            raise no_such_user()
        return await self.known.page(filters, order, page)


def no_such_post() -> NotFound:
    return NotFound("post-not-found", "There is no such post.")


def _sees_drafts(actor: Actor, owner: UUID | None) -> bool:
    return judge(actor, DRAFTS, owner=owner) is None


def _order(filters: PostFilters, sort: str | None) -> Sort:
    """A list that may hold drafts has no order by when they were published."""
    if sort is None:
        return NEWEST_PUBLISHED if filters.is_published else NEWEST_FIRST
    order = Sort.parse(sort, POST_SORTS)
    if order.field == "published_at" and not filters.is_published:
        raise Invalid.field("bad-sort", "/sort", "Only what is published can be sorted by published_at.")
    return order

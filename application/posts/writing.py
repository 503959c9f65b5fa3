"""Writing, changing and deleting posts."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import loaded, no_such_user, only_these
from application.identity.ports import IdentityQueries
from application.identity.views import Versioned
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.posts.ports import PostQueries
from application.posts.reading import DRAFTS, no_such_post
from application.posts.views import AuthorView, PostView, shown_post
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import OPERATOR, OWNER_IN_PERSON, Rule, holder, judge, require
from domain.audit.entry import changed_fields
from domain.errors import NotFound
from domain.posts.events import PostDeleted, PostPublished, PostUnpublished, PostUpdated
from domain.posts.post import Post

UPDATE = Permission("posts:update", "Change, publish and take back everybody's posts.")
DELETE = Permission("posts:delete", "Delete everybody's posts.")

CHANGEABLE = frozenset({"title", "content", "is_published"})


@dataclass(frozen=True)
class CreatePost:
    """A post of one's own; the operator makes one for any member."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    identity: IdentityQueries
    trail: Trail
    outbox: Outbox
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        title: str,
        content: str = "",
        is_published: bool = False,
        user_id: UUID | None = None,
        once: Once[Versioned[PostView]] | None = None,
    ) -> Versioned[PostView]:
        """`user_id` None: one's own. Raises Invalid for the fields, NotFound (`user-not-found`)."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if owner is None:
            raise NotFound("user-not-found", "Say whose post this shall be.")
        await self.idempotency.check(actor, once)
        author = await self.identity.user(owner)
        if author is None:
            raise no_such_user()
        post = Post.written(
            id=self.ids.new(),
            author_id=owner,
            title=title,
            content=content,
            is_published=is_published,
            now=self.clock.now(),
        )
        made = shown_post(post, AuthorView.of(author.value))
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, made)
            await loaded(uow, owner)
            await uow.posts.add(post)
            fields = ("+is_published",) if is_published else ()
            await self.trail.record(uow, actor, "post.created", subject=owner, item=post.id, fields=fields)
            if is_published:
                await self.outbox.emit(uow, actor, PostPublished(post.id, owner))
        return made


@dataclass(frozen=True)
class UpdatePost:
    """Change the fields that are given, and no others: `title`, `content`, `is_published`. One's own, or with
    `posts:update` anybody's. Whether another member's draft exists is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(UPDATE)

    transactions: Transactions
    queries: PostQueries
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(
        self, actor: Actor, *, post_id: UUID, expected: Expected = None, **changes: str | bool
    ) -> Versioned[PostView]:
        """Raises NotFound (`post-not-found`), Invalid for the fields, Stale."""
        require(actor, self.rule, owner=actor.user_id)
        only_these(changes, CHANGEABLE)
        found = await self.queries.post(post_id)
        async with self.transactions.begin() as uow:
            post = _theirs(actor, self.rule, await uow.posts.get(post_id) if found else None)
            require_version(post.version, expected)
            changed = post.changed(self.clock.now(), **changes)
            if changed is not post:
                names = changed_fields(post, changed)
                record = partial(self.trail.record, uow, actor, subject=post.author_id, item=post_id, fields=names)
                if changed.is_published == post.is_published:
                    await record("post.updated")
                elif changed.is_published:
                    await record("post.published")
                else:
                    await record("post.unpublished")
                await self._tell(uow, actor, post, changed)
                changed = await uow.posts.save(changed)
        assert found is not None  # noqa: S101
        return shown_post(changed, found.value.author)

    async def _tell(self, uow: UnitOfWork, actor: Actor, post: Post, changed: Post) -> None:
        """Of drafts, nobody."""
        ids = post.id, post.author_id
        if changed.is_published:
            await self.outbox.emit(uow, actor, PostUpdated(*ids) if post.is_published else PostPublished(*ids))
        elif post.is_published:
            await self.outbox.emit(uow, actor, PostUnpublished(*ids))


@dataclass(frozen=True)
class DeletePost:
    """One's own, or with `posts:delete` anybody's. Whether another member's draft exists is not told."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(DELETE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox

    async def __call__(self, actor: Actor, *, post_id: UUID, expected: Expected = None) -> None:
        """Raises NotFound (`post-not-found`), Stale."""
        require(actor, self.rule, owner=actor.user_id)
        async with self.transactions.begin() as uow:
            post = _theirs(actor, self.rule, await uow.posts.get(post_id))
            require_version(post.version, expected)
            await uow.posts.remove(post_id)
            await self.trail.record(uow, actor, "post.deleted", subject=post.author_id, item=post_id)
            if post.is_published:
                await self.outbox.emit(uow, actor, PostDeleted(post_id, post.author_id))


def _theirs(actor: Actor, rule: Rule, post: Post | None) -> Post:
    """The post, if the caller may do this to it.

    Raises:
        NotFound: `post-not-found`; there is none, or one that they may not even know of.
        Denied: it is there for everybody to see, and somebody else's.
    """
    if post is None:
        raise no_such_post()
    if not post.is_published and judge(actor, rule | DRAFTS, owner=post.author_id) is not None:
        raise no_such_post()
    require(actor, rule, owner=post.author_id)
    return post

"""Posts within a unit of work."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from adapters.sql.tables import posts
from adapters.sql.work import Work
from application.remembering import POSTS
from domain.errors import Conflict
from domain.posts.post import Post, PostRepository

_INSERT = insert(posts).inline()
_LOCK = select(posts).where(posts.c.id == bindparam("post_id")).with_for_update()
_UPDATE = update(posts).where(posts.c.id == bindparam("post_id"), posts.c.version == bindparam("read_version"))
_DELETE = delete(posts).where(posts.c.id == bindparam("post_id"))


class SqlPosts(PostRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, post: Post) -> None:
        await self._work.execute(_INSERT, {"id": post.id, "version": post.version, **_columns(post)})
        self._work.changed.update((post.id, POSTS))

    async def get(self, post_id: UUID) -> Post | None:
        row = (await self._work.execute(_LOCK, {"post_id": post_id})).one_or_none()
        if row is None:
            return None
        return Post(
            id=row.id,
            author_id=row.author_id,
            title=row.title,
            content=row.content,
            is_published=row.is_published,
            published_at=row.published_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            version=row.version,
        )

    async def save(self, post: Post) -> Post:
        version = post.version + 1
        result = await self._work.execute(
            _UPDATE, {"post_id": post.id, "read_version": post.version, **_columns(post), "version": version}
        )
        if result.rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The post was changed meanwhile; read it again."))
        self._work.changed.update((post.id, POSTS))
        return replace(post, version=version)

    async def remove(self, post_id: UUID) -> None:
        await self._work.execute(_DELETE, {"post_id": post_id})
        self._work.changed.update((post_id, POSTS))


def _columns(post: Post) -> dict[str, object]:
    """Everything but the id and the version."""
    return {
        "author_id": post.author_id,
        "title": post.title,
        "content": post.content,
        "search_text": post.search_text,
        "is_published": post.is_published,
        "published_at": post.published_at,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
    }

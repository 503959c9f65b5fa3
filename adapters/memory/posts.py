"""Posts within a unit of work."""

from dataclasses import replace
from uuid import UUID

from adapters.memory.database import Changes
from domain.errors import Conflict
from domain.posts.post import Post, PostRepository


class MemoryPosts(PostRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, post: Post) -> None:
        if self._changes.users.get(post.author_id) is None:
            raise LookupError(f"There is no user {post.author_id} whose post this could be.")
        self._changes.posts.add(post.id, post)

    async def get(self, post_id: UUID) -> Post | None:
        return self._changes.posts.get(post_id)

    async def save(self, post: Post) -> Post:
        stored = self._changes.posts.get(post.id)
        if stored is None or stored.version != post.version:
            raise self._changes.spoil(Conflict("changed-meanwhile", "The post was changed meanwhile; read it again."))
        saved = replace(post, version=post.version + 1)
        self._changes.posts.put(post.id, saved)
        return saved

    async def remove(self, post_id: UUID) -> None:
        self._changes.posts.remove(post_id)

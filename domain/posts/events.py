"""What happens to posts that everybody may see. Drafts are their authors' own."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class PostPublished(Event):
    """A post was published, at once or after it was a draft."""

    name: ClassVar[str] = "post.published"
    subject: ClassVar[str | None] = "post_id"
    post_id: UUID
    author_id: UUID


@dataclass(frozen=True, slots=True)
class PostUpdated(Event):
    """A published post was changed."""

    name: ClassVar[str] = "post.updated"
    subject: ClassVar[str | None] = "post_id"
    post_id: UUID
    author_id: UUID


@dataclass(frozen=True, slots=True)
class PostUnpublished(Event):
    """A published post became a draft again."""

    name: ClassVar[str] = "post.unpublished"
    subject: ClassVar[str | None] = "post_id"
    post_id: UUID
    author_id: UUID


@dataclass(frozen=True, slots=True)
class PostDeleted(Event):
    """A published post was deleted; not those that go with their author's account."""

    name: ClassVar[str] = "post.deleted"
    subject: ClassVar[str | None] = "post_id"
    post_id: UUID
    author_id: UUID

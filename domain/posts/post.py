"""A post: what a member wrote, as a draft or for everybody."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.text import fold_long, line, paragraphs, words, words_of

LONGEST_TITLE = 255
LONGEST_CONTENT = 100_000
"""Characters."""

LONGEST_WORD = 100
"""Letters by which words are told apart when posts are searched."""
SEARCHED = 200_000
"""Characters of a folded post that are searched: folding makes of some letters up to 18. In UTF-8 they have 800 kB at
most, and what PostgreSQL can search has to have less than 1 MiB."""


def wanted_words(text: str) -> list[str]:
    """The words of a search, each once. A post has to have words that begin so, for all of them."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in words(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a member wrote. `version` counts its saved states, as that of an account does.

    `published_at` is when it was published for the first time, and stays so: whoever takes a post back and publishes it
    again does not put it in front of all others. One that is published has it.

    Raises:
        Invalid: the title is not a line of 1 to 255 characters, or the content is not text.
    """

    id: UUID
    author_id: UUID
    title: str
    content: str
    is_published: bool
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        line(self.title, pointer="/title", longest=LONGEST_TITLE)
        paragraphs(self.content, pointer="/content", longest=LONGEST_CONTENT, may_be_empty=True)

    @classmethod
    def written(
        cls, *, id: UUID, author_id: UUID, title: str, content: str, is_published: bool, now: datetime
    ) -> "Post":
        return cls(
            id=id,
            author_id=author_id,
            title=title,
            content=content,
            is_published=is_published,
            published_at=now if is_published else None,
            created_at=now,
            updated_at=now,
        )

    @property
    def search_text(self) -> str:
        """What a search looks through: every word once, each behind a space."""
        found = words_of(fold_long(f"{self.title}\n{self.content}")[:SEARCHED])
        return "".join(f" {word}" for word in dict.fromkeys(word[:LONGEST_WORD] for word in found))

    def changed(self, now: datetime, /, **fields: object) -> "Post":
        """The post with some of `title`, `content` and `is_published` changed at `now`; the same object where nothing
        differs."""
        if all(getattr(self, name) == value for name, value in fields.items()):
            return self
        changed: Post = replace(self, updated_at=now, **fields)  # type: ignore[arg-type]
        if changed.is_published and changed.published_at is None:
            changed = replace(changed, published_at=now)
        return changed


class PostRepository(Protocol):
    """Posts within a unit of work. What is loaded here stays locked until it ends."""

    async def add(self, post: Post) -> None: ...

    async def get(self, post_id: UUID) -> Post | None: ...

    async def save(self, post: Post) -> Post:
        """The saved post, one version on.

        Raises:
            Conflict: `changed-meanwhile`; another version was saved first.
        """
        ...

    async def remove(self, post_id: UUID) -> None: ...

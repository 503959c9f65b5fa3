"""What readers get to see of posts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.identity.views import LONGEST_SEARCH, UserView, Versioned
from domain.errors import Invalid
from domain.posts.post import Post

POST_SORTS = ("created_at", "published_at")


@dataclass(frozen=True, slots=True)
class AuthorView:
    """What everybody may know of who wrote something."""

    id: UUID
    username: str | None
    full_name: str | None

    @classmethod
    def of(cls, user: UserView) -> "AuthorView":
        return cls(user.id, user.username, user.full_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostView:
    """`published_at` is when it was published for the first time; a draft has one if it was taken back."""

    id: UUID
    title: str
    content: str
    is_published: bool
    published_at: datetime | None
    author: AuthorView
    created_at: datetime
    updated_at: datetime


def shown_post(post: Post, author: AuthorView) -> Versioned[PostView]:
    view = PostView(
        id=post.id,
        title=post.title,
        content=post.content,
        is_published=post.is_published,
        published_at=post.published_at,
        author=author,
        created_at=post.created_at,
        updated_at=post.updated_at,
    )
    return Versioned(view, post.version)


@dataclass(frozen=True, slots=True)
class PostFilters:
    """None leaves a filter out; `q` finds posts by the beginnings of words in title and content.

    Raises:
        Invalid: `q` is longer than 200 characters.
    """

    author_id: UUID | None = None
    is_published: bool | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        if self.q is not None and len(self.q) > LONGEST_SEARCH:
            raise Invalid.field("search-too-long", "/q", f"Search for {LONGEST_SEARCH} characters at most.")

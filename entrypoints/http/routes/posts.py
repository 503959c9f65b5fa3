"""Posts: what members write."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from application.identity.views import Versioned
from application.paging import Page, PageRequest
from application.posts.views import POST_SORTS, PostFilters, PostView
from domain.access.actor import Actor, ActorKind
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, Body, Expected, listing, no_content, page_request, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import Anybody, SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/posts", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Posts"]
)
of_members = APIRouter(
    prefix=f"{API}/users", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Posts"]
)

FOR_EVERYBODY = "public, no-cache"
"""Anybody may keep it, and asks before it is used: it may have been taken back."""

Words = Annotated[str | None, Query(max_length=200, description="Beginnings of words in title and content.")]
Order = Annotated[
    str | None,
    Query(
        description=f"One of {', '.join(POST_SORTS)}; a - turns it round. Else `-published_at`, and where there may be "
        "drafts `-created_at`.",
        examples=["-published_at"],
    ),
]


class NewPost(Body):
    title: str = Field(examples=["On bees"], description="One line of 255 characters at most.")
    content: str = Field(
        default="", examples=["They dance."], description="Text of 100,000 characters at most, kept as typed."
    )
    is_published: bool = False


class PostChanges(Body):
    """Fields may be left out, but not be null."""

    title: str = Field(default="", examples=["On bees"])
    content: str = Field(default="", examples=["They dance."])
    is_published: bool = False


@router.get(
    "", response_model=Page[PostView], responses=problems(use_case="list_posts"), summary="List and search posts"
)
async def list_posts(
    request: Request,
    application: TheApplication,
    actor: Anybody,
    page: Annotated[PageRequest, Depends(page_request)],
    author: Annotated[UUID | None, Query(description="A member's.")] = None,
    is_published: Annotated[
        bool, Query(description="`false`: drafts; one's own, or with `posts:read` everybody's.")
    ] = True,
    q: Words = None,
    sort: Order = None,
) -> Response:
    """What is published, last published first; for everybody."""
    filters = PostFilters(author, is_published, q if q and q.strip() else None)
    return _list(request, actor, await application.posts.list_posts(actor, filters=filters, sort=sort, page=page))


@router.post(
    "",
    status_code=201,
    response_model=PostView,
    responses=problems(use_case="create_post"),
    summary="Write a post",
)
async def create_post(application: TheApplication, actor: SignedIn, body: NewPost, repeatable: TheRequest) -> Response:
    """A draft, unless `is_published` says otherwise."""
    return await repeatable.answer(
        lambda once: application.posts.create_post(actor, once=once, **body.model_dump()),
        lambda post: resource(post, status=201, location=f"{API}/posts/{post.value.id}"),
    )


@router.get("/{post_id}", response_model=PostView, responses=problems(use_case="show_post"), summary="Read a post")
async def show_post(application: TheApplication, actor: Anybody, post_id: UUID) -> Response:
    """One that is published, for everybody; a draft for who wrote it, and with `posts:read`."""
    return _shown(actor, await application.posts.show_post(actor, post_id=post_id))


@router.patch(
    "/{post_id}",
    response_model=PostView,
    responses=problems(use_case="update_post"),
    summary="Change, publish or take back a post",
)
async def update_post(
    application: TheApplication, actor: SignedIn, post_id: UUID, body: PostChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change. `published_at` stays that of the first time."""
    return resource(await application.posts.update_post(actor, post_id=post_id, expected=expected, **body.sent()))


@router.delete(
    "/{post_id}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_post"),
    summary="Delete a post",
)
async def delete_post(application: TheApplication, actor: SignedIn, post_id: UUID, expected: Expected) -> Response:
    await application.posts.delete_post(actor, post_id=post_id, expected=expected)
    return no_content()


@of_members.get(
    "/{user_id}/posts",
    response_model=Page[PostView],
    responses=problems(use_case="list_posts_of"),
    summary="List a member's posts",
)
async def list_posts_of(
    request: Request,
    application: TheApplication,
    actor: Anybody,
    user_id: UUID,
    page: Annotated[PageRequest, Depends(page_request)],
    is_published: Annotated[bool | None, Query(description="`false`: drafts alone; `true`: no drafts.")] = None,
    q: Words = None,
    sort: Order = None,
) -> Response:
    """To whoever wrote them all of them, drafts too, newest first; to others what is published."""
    q = q if q and q.strip() else None
    found = await application.posts.list_posts_of(
        actor, user_id=user_id, is_published=is_published, q=q, sort=sort, page=page
    )
    return _list(request, actor, found)


def _shown(actor: Actor, post: Versioned[PostView]) -> Response:
    return _for_all(actor, resource(post))


def _list(request: Request, actor: Actor, page: Page[PostView]) -> Response:
    return _for_all(actor, listing(request, page, Page[PostView]))


def _for_all(actor: Actor, response: Response) -> Response:
    """What a stranger gets, everybody may get."""
    if actor.kind is ActorKind.ANONYMOUS:
        response.headers["Cache-Control"] = FOR_EVERYBODY
    return response

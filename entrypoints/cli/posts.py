"""`moothall posts`: what members write."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.posts.views import PostView

COLUMNS = ("id", "author", "title", "is_published", "published_at", "created_at")

app = noun("What members write. A USER is an id, an e-mail address or a username.")

PostId = Annotated[UUID, typer.Argument(metavar="POST_ID")]
ContentFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Where the content is, as UTF-8; - is standard input.")
]


@app.command("list")
def list_(
    context: typer.Context,
    author: Annotated[str | None, typer.Option(metavar="USER", help="Only this member's, drafts too.")] = None,
    drafts: Annotated[bool, typer.Option("--drafts", help="Drafts alone.")] = False,
    q: Annotated[
        str | None, typer.Option("--q", metavar="WORDS", help="Beginnings of words in title or content.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="FIELD", help="published_at or created_at; a - turns it round.")
    ] = None,
    limit: Limit = None,
) -> None:
    """List posts, last published first; where drafts are among them, last written first."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.posts.views import PostFilters

        state = False if drafts else None
        output = Output.of(context)
        if author is None:
            filters = PostFilters(is_published=state, q=q)
            listed = pages(
                lambda page: application.posts.list_posts(actor, filters=filters, sort=sort, page=page), limit
            )
        else:
            user_id = await application.identity.find_user(actor, name=author)
            listed = pages(
                lambda page: application.posts.list_posts_of(
                    actor, user_id=user_id, is_published=state, q=q, sort=sort, page=page
                ),
                limit,
            )
        with output.listing(COLUMNS) as add:
            async for page in listed:
                add(page if output.json else [_row(post) for post in page])

    on_application(work)


@app.command()
def show(context: typer.Context, post_id: PostId) -> None:
    """Show one post, with its content."""

    async def work(application: "Application", actor: Actor) -> "PostView":
        return (await application.posts.show_post(actor, post_id=post_id)).value

    _show(context, on_application(work))


@app.command()
def create(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--as", metavar="USER", help="Who writes it.")],
    title: Annotated[str, typer.Option(metavar="TITLE", help="One line.")],
    content_file: ContentFile = None,
    publish: Annotated[bool, typer.Option("--publish", help="For everybody at once; else it is a draft.")] = False,
) -> None:
    """Write a post in a member's name."""
    content = "" if content_file is None else _read(content_file)

    async def work(application: "Application", actor: Actor) -> "PostView":
        user_id = await application.identity.find_user(actor, name=owner)
        created = await application.posts.create_post(
            actor, user_id=user_id, title=title, content=content, is_published=publish
        )
        return created.value

    _show(context, on_application(work))


@app.command()
def update(
    context: typer.Context,
    post_id: PostId,
    title: Annotated[str | None, typer.Option(metavar="TITLE", help="One line.")] = None,
    content_file: ContentFile = None,
) -> None:
    """Change the fields that are given, and no others."""
    changes: dict[str, Any] = {}
    if title is not None:
        changes["title"] = title
    if content_file is not None:
        changes["content"] = _read(content_file)
    if not changes:
        raise wrong_usage("Say what to change; see --help.")
    _change(context, post_id, changes)


@app.command()
def publish(context: typer.Context, post_id: PostId) -> None:
    """Show a draft to everybody."""
    _change(context, post_id, {"is_published": True})


@app.command()
def unpublish(context: typer.Context, post_id: PostId) -> None:
    """Take a post back: it is a draft again."""
    _change(context, post_id, {"is_published": False})


@app.command()
def delete(context: typer.Context, post_id: PostId) -> None:
    """Delete a post. Asks first."""
    output = Output.of(context)
    output.confirm(f"Delete the post {post_id}?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.posts.delete_post(actor, post_id=post_id)

    on_application(work)
    output.say(f"Deleted the post {post_id}.")


def _change(context: typer.Context, post_id: UUID, changes: dict[str, Any]) -> None:
    async def work(application: "Application", actor: Actor) -> "PostView":
        return (await application.posts.update_post(actor, post_id=post_id, **changes)).value

    _show(context, on_application(work))


def _show(context: typer.Context, post: "PostView") -> None:
    output = Output.of(context)
    output.show(post if output.json else _row(post) | {"updated_at": post.updated_at, "content": post.content})


def _row(post: "PostView") -> dict[str, object]:
    """With the author in a word, for people."""
    return {
        "id": post.id,
        "author": post.author.username or post.author.id,
        "title": post.title,
        "is_published": post.is_published,
        "published_at": post.published_at,
        "created_at": post.created_at,
    }


def _read(name: str) -> str:
    """The text of a file, with its line breaks as they are.

    Raises:
        CommandError: it cannot be read, or is not UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong_usage(f"{name} cannot be read: {error}") from None

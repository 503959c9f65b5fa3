"""What a newcomer does, with the client that openapi-python-client generates: python newcomer.py URL PICTURE SKU"""

import sys
import uuid
from pathlib import Path

from moothall_client import AuthenticatedClient, Client
from moothall_client.api.orders import place_order
from moothall_client.api.posts import create_post, list_posts_of, update_post
from moothall_client.api.profiles import replace_my_avatar
from moothall_client.api.signing_in import log_in, refresh, register
from moothall_client.models import (
    AvatarUpload,
    LineRequest,
    LoginForm,
    NewPost,
    OrderRequest,
    OrderView,
    PostChanges,
    PostPage,
    PostView,
    Problem,
    ProblemCode,
    ProfileView,
    RefreshRequest,
    Registration,
    TokenAnswer,
    UserView,
)
from moothall_client.types import File

EMAIL, PASSWORD = "ada@example.com", "violet-anchor-42-lamp"


class Refused(Exception):
    """The service said no; `code` tells programs why."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__(problem.detail if problem else "This was not expected.")


def become_a_member(client: Client) -> UserView:
    answer = register.sync(client=client, body=Registration(email=EMAIL, password=PASSWORD, username="ada"))
    if not isinstance(answer, UserView):
        raise Refused(answer)
    return answer


def sign_in(client: Client) -> TokenAnswer:
    answer = log_in.sync(client=client, body=LoginForm(username=EMAIL, password=PASSWORD))
    if not isinstance(answer, TokenAnswer):
        raise Refused(answer)
    return answer


def stay_signed_in(client: Client, tokens: TokenAnswer) -> TokenAnswer:
    answer = refresh.sync(client=client, body=RefreshRequest(refresh_token=tokens.refresh_token))
    if not isinstance(answer, TokenAnswer):
        raise Refused(answer)
    return answer


def write(member: AuthenticatedClient, title: str) -> tuple[PostView, str]:
    """Twice under one key, as after a lost answer: there is one post. Tells its version, too."""
    key = str(uuid.uuid4())
    body = NewPost(title=title, content="They dance.", is_published=True)
    answers = [create_post.sync_detailed(client=member, body=body, idempotency_key=key) for _ in range(2)]
    first, again = (answer.parsed for answer in answers)
    if not isinstance(first, PostView) or not isinstance(again, PostView):
        raise Refused(first if isinstance(first, Problem) else None)
    print("written:", first.title, "(once)" if again.id == first.id else "(twice)")
    return first, answers[0].headers["ETag"]


def retitle(member: AuthenticatedClient, post: PostView, etag: str) -> None:
    """Only what is sent changes; and of two who change the same version the second one is told so."""
    changed = update_post.sync(post.id, client=member, body=PostChanges(title="On bees"), if_match=etag)
    if not isinstance(changed, PostView):
        raise Refused(changed)
    print("changed:", changed.title, "-", changed.content, "published" if changed.is_published else "draft")
    late = update_post.sync(post.id, client=member, body=PostChanges(title="On wasps"), if_match=etag)
    if isinstance(late, Problem) and late.code == ProblemCode.STALE_VERSION:
        print("stale:", late.status)


def list_titles(member: AuthenticatedClient, user: UserView) -> None:
    """Page by page, to the end; an empty cursor begins without counting."""
    cursor: str | None = ""
    while cursor is not None:
        page = list_posts_of.sync(user.id, client=member, page_size=2, cursor=cursor)
        if not isinstance(page, PostPage):
            raise Refused(page)
        print("page:", ", ".join(post.title for post in page.items))
        cursor = page.next_cursor


def show_face(member: AuthenticatedClient, picture: Path) -> None:
    with picture.open("rb") as content:
        profile = replace_my_avatar.sync(client=member, body=AvatarUpload(file=File(content, picture.name)))
    if not isinstance(profile, ProfileView):
        raise Refused(profile)
    print("picture:", profile.avatar_url)


def buy(member: AuthenticatedClient, sku: str) -> None:
    order = place_order.sync(
        client=member, body=OrderRequest(lines=[LineRequest(sku=sku, quantity=2)]), idempotency_key=str(uuid.uuid4())
    )
    if not isinstance(order, OrderView):
        raise Refused(order)
    print("ordered:", order.total, order.currency, order.status.value)


def be_refused(client: Client) -> None:
    """Programs go by `code`, and by where in the input the mistake is."""
    taken = register.sync(client=client, body=Registration(email=EMAIL, password=PASSWORD))
    if isinstance(taken, Problem) and taken.code == ProblemCode.EMAIL_TAKEN:
        print("refused:", taken.status, "there is such a member already")
    invalid = register.sync(client=client, body=Registration(email="ada", password=PASSWORD))
    if isinstance(invalid, Problem) and invalid.code == ProblemCode.BAD_EMAIL:
        print("refused:", invalid.status, [item.pointer for item in invalid.errors or []])


def main(url: str, picture: str, sku: str) -> None:
    client = Client(base_url=url)
    user = become_a_member(client)
    print("member:", user.username)
    be_refused(client)
    tokens = stay_signed_in(client, sign_in(client))
    member = AuthenticatedClient(base_url=url, token=tokens.access_token)
    for title in ("On sheep", "On votes"):
        write(member, title)
    retitle(member, *write(member, "On beez"))
    list_titles(member, user)
    show_face(member, Path(picture))
    buy(member, sku)


if __name__ == "__main__":
    main(*sys.argv[1:])

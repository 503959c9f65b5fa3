"""Posts over HTTP, on every store: who sees which, who changes them, and what is seen at once."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import Engine, event

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import Api, Tokens
from tests.limits import UNLIMITED

JSON = {"Content-Type": "application/json"}
POST = {"title": "On bees", "content": "They dance.\n\t<b>Always.</b>"}


async def write(api: Api, tokens: Tokens, **fields: Any) -> dict[str, Any]:
    api.clock.advance(seconds=1)
    answer = await api.call("POST", "/posts", as_=tokens, json={**POST, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def publish(api: Api, tokens: Tokens, **fields: Any) -> dict[str, Any]:
    return await write(api, tokens, is_published=True, **fields)


async def listed(api: Api, path: str = "/posts", as_: Tokens | None = None, **query: Any) -> list[str]:
    answer = await api.call("GET", path, as_=as_, params=query)
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()["items"]]


async def test_a_post_is_written_as_a_draft_of_ones_own(api: Api) -> None:
    user, ada = await api.member()
    answer = await api.call("POST", "/posts", as_=ada, json=POST)
    post = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/posts/{post['id']}"
    assert answer.headers["etag"] == '"1"'
    assert {**POST, "is_published": False, "published_at": None}.items() <= post.items()
    assert post["author"] == {"id": user["id"], "username": "ada", "full_name": "ada"}
    assert set(post) == {
        "id", "title", "content", "is_published", "published_at", "author", "created_at", "updated_at"
    }  # fmt: skip


async def test_a_draft_is_there_for_its_author_and_for_who_may_read_drafts_alone(api: Api) -> None:
    _, ada = await api.member()
    _, bob = await api.member("bob")
    _, reader = await api.staff("reader", "posts:read")
    _, editor = await api.staff("editor", "posts:update")
    draft = await write(api, ada)
    key = await api.key(ada)
    path = f"/posts/{draft['id']}"
    assert (await api.call("GET", path, headers={"X-API-Key": key["key"]})).json() == draft
    for one in (ada, reader):
        answer = await api.call("GET", path, as_=one)
        assert answer.json() == draft
        assert answer.headers["cache-control"] == "private, no-cache"
    for other in (None, bob, editor):
        answer = await api.call("GET", path, as_=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "post-not-found")
    for method, body in (("PATCH", {"json": {"title": "mine"}}), ("DELETE", {})):
        answer = await api.call(method, path, as_=bob, **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "post-not-found")
    assert (await api.call("PATCH", path, as_=editor, json={"title": "Better"})).json()["title"] == "Better"


async def test_what_is_published_is_for_everybody(api: Api) -> None:
    _, ada = await api.member()
    post = await publish(api, ada)
    for _ in range(3):
        answer = await api.call("GET", f"/posts/{post['id']}")
        assert answer.json() == post
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["cache-control"] == "public, no-cache"
    assert await listed(api) == [post["id"]]
    assert (await api.call("GET", f"/posts/{uuid4()}")).status_code == 404
    bad = await api.call("GET", f"/posts/{post['id']}", headers={"Authorization": "Bearer no.such.token"})
    assert bad.status_code == 401


async def test_publishing_taking_back_and_publishing_again(api: Api) -> None:
    """It is seen at once, by strangers too, and keeps the time of the first time."""
    _, ada = await api.member()
    draft = await write(api, ada)
    path = f"/posts/{draft['id']}"
    assert await listed(api) == []
    first = (await api.call("PATCH", path, as_=ada, json={"is_published": True})).json()
    assert first["published_at"] is not None
    assert await listed(api) == [draft["id"]]
    for _ in range(2):
        assert (await api.call("GET", path)).json() == first
    back = (await api.call("PATCH", path, as_=ada, json={"is_published": False})).json()
    assert back["published_at"] == first["published_at"]
    assert (await api.call("GET", path)).status_code == 404
    assert await listed(api) == []
    again = (await api.call("PATCH", path, as_=ada, json={"is_published": True})).json()
    assert again["published_at"] == first["published_at"]
    assert await listed(api) == [draft["id"]]


async def test_a_change_is_made_only_to_the_version_that_was_meant(api: Api) -> None:
    _, ada = await api.member()
    post = await publish(api, ada)
    path = f"/posts/{post['id']}"
    changed = await api.call("PATCH", path, as_=ada, json={"content": ""}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["content"]) == (200, '"2"', "")
    for method, body in (("PATCH", {"json": {"title": "late"}}), ("DELETE", {})):
        stale = await api.call(method, path, as_=ada, headers={"If-Match": '"1"'}, **body)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    nothing = await api.call("PATCH", path, as_=ada, json={"content": ""})
    assert nothing.headers["etag"] == '"2"'
    assert (await api.call("DELETE", path, as_=ada, headers={"If-Match": '"2"'})).status_code == 204
    assert (await api.call("GET", path)).status_code == 404
    assert (await api.call("DELETE", path, as_=ada)).status_code == 404


async def test_others_change_a_post_with_the_permission_alone(api: Api) -> None:
    _, ada = await api.member()
    _, bob = await api.member("bob")
    user, editor = await api.staff("editor", "posts:*")
    path = f"/posts/{(await publish(api, ada))['id']}"
    for method, body in (("PATCH", {"json": {"title": "mine"}}), ("DELETE", {})):
        assert (await api.call(method, path, as_=bob, **body)).status_code == 403
        assert (await api.call(method, path, **body)).status_code == 401
    own_key = {"X-API-Key": (await api.key(ada))["key"]}
    refused = await api.call("PATCH", path, headers=own_key, json={"title": "by a program"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-in-person")
    key = {"X-API-Key": (await api.key(editor, "posts:update"))["key"]}
    assert (await api.call("PATCH", path, headers=key, json={"title": "by a program"})).status_code == 200
    assert (await api.call("DELETE", path, headers=key)).status_code == 403
    await api.give(user, "member")
    assert (await api.call("PATCH", path, headers=key, json={"title": "too late"})).status_code == 403
    assert (await api.call("POST", "/posts", headers=own_key, json=POST)).status_code == 403
    assert (await api.call("GET", path)).json()["title"] == "by a program"


async def test_a_request_that_comes_twice_writes_one_post(api: Api) -> None:
    _, ada = await api.member()
    headers = {"Idempotency-Key": "once"}
    first = await api.call("POST", "/posts", as_=ada, json=POST, headers=headers)
    again = await api.call("POST", "/posts", as_=ada, json=POST, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await api.call("POST", "/posts", as_=ada, json={**POST, "title": "else"}, headers=headers)
    assert other.status_code == 422
    assert len(await listed(api, as_=ada, is_published=False)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "two\nlines"),
        ("title", "x" * 256),
        ("title", "\0"),
        ("title", None),
        ("title", 7),
        ("content", "\0"),
        ("content", "\x1b[2J"),
        ("content", "\ud800"),
        ("content", "x" * 100_001),
        ("content", None),
        ("is_published", "true"),
        ("author_id", "018fe000-0000-7000-8000-000000000001"),
    ],
)
async def test_hostile_input_is_refused_and_named(api: Api, field: str, value: object) -> None:
    _, ada = await api.member()
    post = await write(api, ada)
    for method, path in (("POST", "/posts"), ("PATCH", f"/posts/{post['id']}")):
        answer = await api.call(method, path, as_=ada, content=json.dumps({**POST, field: value}), headers=JSON)
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


async def test_everything_else_comes_back_as_it_was_typed(api: Api) -> None:
    _, ada = await api.member()
    content = "\r\n\t\u2028\u200d\u202e 🐝 <script>alert(1)</script> 'x' \"y\" \\ %s {{7*7}} \ufffe" + "ж" * 50_000
    post = await publish(api, ada, title="  \u200b\u202e<b>&amp;</b> ", content=content)
    read = (await api.call("GET", f"/posts/{post['id']}")).json()
    assert (read["title"], read["content"]) == ("  \u200b\u202e<b>&amp;</b> ", content)


async def test_the_list_is_searched_by_the_beginnings_of_words(api: Api) -> None:
    _, ada = await api.member()
    bees = await publish(api, ada, title="Honey", content="Bees dance in the Straße")
    await write(api, ada, title="Honey, a draft")
    await publish(api, ada, title="Wasps")
    assert await listed(api, q="hon STRASSE") == [bees["id"]]
    assert await listed(api, q="oney") == []
    assert len(await listed(api, q=" ")) == 2
    for q in ("'", '"', "*", "a' OR 1=1 --", "\u202e", "x:*&!"):
        assert (await api.call("GET", "/posts", params={"q": q})).status_code == 200
    assert (await api.call("GET", "/posts", params={"q": "x" * 201})).status_code == 422


async def test_my_posts_show_me_my_drafts_and_others_what_is_published(api: Api) -> None:
    user, ada = await api.member()
    _, bob = await api.member("bob")
    _, reader = await api.staff("reader", "posts:read")
    draft, post = await write(api, ada), await publish(api, ada)
    path = f"/users/{user['id']}/posts"
    for one in (ada, reader):
        assert await listed(api, path, one) == [post["id"], draft["id"]]
        assert await listed(api, path, one, is_published=False) == [draft["id"]]
        assert await listed(api, path, one, is_published=True) == [post["id"]]
    for other in (None, bob):
        assert await listed(api, path, other) == [post["id"]]
        refused = await api.call("GET", path, as_=other, params={"is_published": False})
        assert refused.status_code == (401 if other is None else 403)
    assert (await api.call("GET", f"/users/{uuid4()}/posts")).json()["code"] == "user-not-found"


async def test_drafts_are_listed_for_their_author_and_for_who_may_read_them(api: Api) -> None:
    user, ada = await api.member()
    _, bob = await api.member("bob")
    _, reader = await api.staff("reader", "posts:read")
    hers, his = await write(api, ada), await write(api, bob)
    await publish(api, ada)
    assert await listed(api, as_=ada, is_published=False) == [hers["id"]]
    assert await listed(api, as_=bob, is_published=False) == [his["id"]]
    assert await listed(api, as_=reader, is_published=False) == [his["id"], hers["id"]]
    assert await listed(api, as_=reader, is_published=False, author=user["id"]) == [hers["id"]]
    strangers = await api.call("GET", "/posts", params={"is_published": False})
    assert strangers.status_code == 401
    others = await api.call("GET", "/posts", as_=bob, params={"is_published": False, "author": user["id"]})
    assert others.status_code == 403


async def test_lists_sort_by_what_they_name_alone(api: Api) -> None:
    _, ada = await api.member()
    first, second = await write(api, ada), await write(api, ada)
    for post in (second, first):
        await api.call("PATCH", f"/posts/{post['id']}", as_=ada, json={"is_published": True})
        api.clock.advance(seconds=1)
    assert await listed(api, sort="created_at") == [first["id"], second["id"]]
    assert await listed(api, sort="-created_at") == [second["id"], first["id"]]
    for query in ({"sort": "content"}, {"sort": "published_at", "is_published": False}):
        refused = await api.call("GET", "/posts", as_=ada, params=query)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-sort")


async def test_who_follows_the_feed_gets_all_that_was_there_once_though_more_is_published(api: Api) -> None:
    _, ada = await api.member()
    there = [(await publish(api, ada))["id"] for _ in range(12)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await api.call("GET", "/posts", params={"cursor": cursor, "page_size": 5})).json()
        seen += [post["id"] for post in answer["items"]]
        cursor = answer["next_cursor"]
        await publish(api, ada, title="meanwhile")
    assert len(seen) == len(set(seen))
    assert [post for post in seen if post in there] == there[::-1]


async def test_the_first_page_counts_links_and_is_seen_anew_after_each_change(api: Api) -> None:
    _, ada = await api.member()
    for n in range(3):
        assert (await api.call("GET", "/posts", params={"page_size": 2})).json()["total"] == n
        await publish(api, ada)
    answer = await api.call("GET", "/posts", params={"page_size": 2})
    body = answer.json()
    assert (body["total"], body["pages"], body["page"], len(body["items"])) == (3, 2, 1, 2)
    following = answer.headers["link"].split(";")[0].strip("<>")
    rest = await api.http.get(following)
    assert [len(rest.json()["items"]), rest.json()["next_cursor"]] == [1, None]


async def test_an_author_is_shown_as_they_are_called_now(api: Api) -> None:
    """In what was kept, too."""
    _, ada = await api.member()
    post = await publish(api, ada)
    path = f"/posts/{post['id']}"
    for name in ("lovelace", "king"):
        for _ in range(3):
            await api.call("GET", path)
            await api.call("GET", "/posts")
        changed = await api.call("PATCH", "/users/me", as_=ada, json={"username": name})
        assert changed.status_code == 200
        assert (await api.call("GET", path)).json()["author"]["username"] == name
        assert (await api.call("GET", "/posts")).json()["items"][0]["author"]["username"] == name


async def test_posts_stay_when_their_author_is_deactivated_and_go_with_the_account(api: Api) -> None:
    user, ada = await api.member()
    _, admin = await api.admin()
    post = await publish(api, ada)
    for _ in range(3):
        await api.call("GET", f"/posts/{post['id']}")
    await api.call("PATCH", f"/users/{user['id']}", as_=admin, json={"is_active": False})
    assert await listed(api) == [post["id"]]
    assert (await api.call("GET", f"/posts/{post['id']}")).status_code == 200
    await api.call("DELETE", f"/users/{user['id']}", as_=admin)
    assert await listed(api) == []
    assert (await api.call("GET", f"/posts/{post['id']}")).status_code == 404
    assert (await api.call("GET", "/posts")).json()["total"] == 0


async def test_each_change_leaves_one_entry_with_names_of_fields_alone(api: Api) -> None:
    user, ada = await api.member()
    _, admin = await api.admin()
    post = await write(api, ada)
    path = f"/posts/{post['id']}"
    await api.call("PATCH", path, as_=ada, json={"title": "Else"})
    await api.call("PATCH", path, as_=ada, json={"title": "Else"})
    await api.call("PATCH", path, as_=ada, json={"content": "more", "is_published": True})
    await api.call("PATCH", path, as_=ada, json={"is_published": False})
    await api.call("DELETE", path, as_=ada)
    trail = [entry for entry in await api.trail(admin) if entry["action"].startswith("post.")]
    assert [(entry["action"], entry["fields"]) for entry in reversed(trail)] == [
        ("post.created", []),
        ("post.updated", ["title"]),
        ("post.published", ["content", "+is_published", "published_at"]),
        ("post.unpublished", ["-is_published"]),
        ("post.deleted", []),
    ]
    assert {(entry["subject"], entry["item"], entry["actor"]) for entry in trail} == {
        (user["id"], post["id"], user["id"])
    }


async def test_of_changes_at_once_none_is_lost(api: Api) -> None:
    _, ada = await api.member()
    path = f"/posts/{(await publish(api, ada))['id']}"
    bodies = [{"title": "New"}, {"content": "new"}, {"is_published": False}]
    answers = await asyncio.gather(*(api.call("PATCH", path, as_=ada, json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    post = (await api.call("GET", path, as_=ada)).json()
    assert (post["title"], post["content"], post["is_published"]) == ("New", "new", False)


async def test_a_server_has_read_the_newest_posts_before_anybody_asks(tmp_path: Path) -> None:
    """Nothing is asked of the database when the first stranger comes."""
    statements: list[str] = []

    def remember(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM posts" in statement:
            statements.append(statement)

    app = create_app(Settings(bcrypt_cost=4, data_dir=tmp_path, **UNLIMITED), jobs=False)
    transport = httpx.ASGITransport(app)
    event.listen(Engine, "before_cursor_execute", remember)
    try:
        async with (
            LifespanManager(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
            asyncio.timeout(10),
        ):
            while len(statements) < 2:  # noqa: ASYNC110 - the rows, and how many there are; a server does not tell
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            answer = await client.get("/api/v1/posts")
    finally:
        event.remove(Engine, "before_cursor_execute", remember)
    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    assert len(statements) == 2

"""Profiles and pictures over HTTP, on every store."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from application.blobs import whole
from application.profiles.avatar_files import AvatarSweep
from application.profiles.ports import LARGEST_IMAGE
from domain.errors import NotFound, Stale, Unavailable
from domain.profiles.profile import AvatarSize
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.pictures import a_picture, corners_of, decoded, encoded, quarters

PROFILE = {"user_id", "username", "full_name", "bio", "website", "avatar_url"}
FILE = ("../../etc/passwd", a_picture(), "text/html")


async def put(api: Api, tokens: Tokens, content: bytes | None = None, **rest: Any) -> httpx.Response:
    file = ("picture.png", a_picture() if content is None else content, "image/png")
    return await api.call("PUT", "/users/me/avatar", as_=tokens, files={"file": file}, **rest)


async def with_picture(api: Api, tokens: Tokens, content: bytes | None = None) -> str:
    """The address of a new picture, as a path."""
    answer = await put(api, tokens, content)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["avatar_url"]
    assert url.startswith("http://127.0.0.1:8000/api/v1/users/")
    return url.removeprefix("http://127.0.0.1:8000/api/v1")


async def files(api: Api) -> set[str]:
    blobs = api.application.profiles.show_avatar.files.blobs
    return {blob.key async for blob in blobs.all("avatars")}


async def test_everybody_sees_a_profile_and_no_address_in_it(api: Api) -> None:
    user, tokens = await api.member("ada")
    changes = {"bio": "I count sheep.\nAnd votes. 🐑", "website": "https://Ada.example/~ada?q=@"}
    changed = await api.call("PATCH", "/users/me/profile", as_=tokens, json=changes)
    assert changed.status_code == 200
    for as_ in (None, tokens, (await api.member("bob"))[1]):
        found = await api.call("GET", f"/users/{user['id']}/profile", as_=as_)
        assert found.status_code == 200
        assert found.json() == {
            "user_id": user["id"],
            "username": "ada",
            "full_name": "ada",
            "avatar_url": None,
            **changes,
        }
        assert "ada@example.com" not in found.text
    assert (await api.call("GET", "/users/me/profile", as_=tokens)).json() == changed.json()


async def test_who_never_changed_theirs_has_an_empty_one(api: Api) -> None:
    user, tokens = await api.member("ada")
    mine = await api.call("GET", "/users/me/profile", as_=tokens)
    assert mine.json().keys() == PROFILE
    assert [mine.json()[name] for name in ("bio", "website", "avatar_url")] == [None] * 3
    assert (await api.call("GET", f"/users/{user['id']}/profile")).json() == mine.json()


async def test_of_strangers_and_the_deactivated_there_is_none(api: Api) -> None:
    user, tokens = await api.member("ada")
    path = await with_picture(api, tokens)
    await api.application.identity.update_user(OPERATOR, user_id=UUID(user["id"]), is_active=False)
    for url in (f"/users/{user['id']}/profile", path, f"/users/{uuid4()}/profile", f"/users/{uuid4()}/avatar"):
        answer = await api.call("GET", url)
        assert (answer.status_code, answer.json()["code"]) == (404, "user-not-found")


async def test_only_what_is_sent_changes_and_null_clears(api: Api) -> None:
    _, tokens = await api.member("ada")

    async def change(**fields: str | None) -> dict[str, Any]:
        answer = await api.call("PATCH", "/users/me/profile", as_=tokens, json=fields)
        assert answer.status_code == 200, answer.text
        return {name: answer.json()[name] for name in ("bio", "website")}

    assert await change(bio="a") == {"bio": "a", "website": None}
    assert await change(website="http://a.example") == {"bio": "a", "website": "http://a.example"}
    assert await change() == {"bio": "a", "website": "http://a.example"}
    assert await change(bio=None) == {"bio": None, "website": "http://a.example"}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"bio": ""}, "/bio"),
        ({"bio": "a" * 501}, "/bio"),
        ({"bio": "a\u0000"}, "/bio"),
        ({"bio": 1}, "/bio"),
        ({"website": "javascript:alert(1)"}, "/website"),
        ({"website": "https://user@ada.example"}, "/website"),
        ({"website": "https://ada.example/" + "a" * 2000}, "/website"),
        ({"username": "ada"}, "/username"),
        ({"avatar_url": None}, "/avatar_url"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_its_name(api: Api, fields: dict[str, Any], pointer: str) -> None:
    _, tokens = await api.member("ada")
    answer = await api.call("PATCH", "/users/me/profile", as_=tokens, json=fields)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


async def test_a_lone_surrogate_is_refused(api: Api) -> None:
    _, tokens = await api.member("ada")
    body, headers = b'{"bio": "\\ud800"}', {"Content-Type": "application/json"}
    answer = await api.call("PATCH", "/users/me/profile", as_=tokens, content=body, headers=headers)
    assert answer.status_code == 422


async def test_the_etag_moves_with_all_that_is_shown_and_guards_changes(api: Api) -> None:
    user, tokens = await api.member("ada")
    seen = []

    async def look() -> str:
        mine = await api.call("GET", "/users/me/profile", as_=tokens)
        everybodys = await api.call("GET", f"/users/{user['id']}/profile")
        assert mine.headers["etag"] == everybodys.headers["etag"]
        seen.append(mine.headers["etag"])
        return seen[-1]

    first = await look()
    await api.call("PATCH", "/users/me/profile", as_=tokens, json={"bio": "a"})
    await look()
    await api.call("PATCH", "/users/me", as_=tokens, json={"first_name": "Ada"})
    await look()
    await with_picture(api, tokens)
    current = await look()
    assert len(set(seen)) == 4
    for method, url, rest in (
        ("PATCH", "/users/me/profile", {"json": {"bio": "b"}}),
        ("PUT", "/users/me/avatar", {"files": {"file": FILE}}),
        ("DELETE", "/users/me/avatar", {}),
    ):
        stale = await api.call(method, url, as_=tokens, headers={"If-Match": first}, **rest)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
        assert await look() == current
    good = await api.call("PATCH", "/users/me/profile", as_=tokens, json={"bio": "b"}, headers={"If-Match": current})
    assert good.status_code == 200
    assert good.headers["etag"] == await look()


async def test_a_picture_is_shown_to_everybody_in_two_sizes(api: Api) -> None:
    user, tokens = await api.member("ada")
    path = await with_picture(api, tokens, encoded(quarters(900, 600), "JPEG"))
    for query, pixels in (("", 512), ("&size=large", 512), ("&size=small", 128)):
        answer = await api.call("GET", path + query)
        assert answer.status_code == 200
        picture = decoded(answer.content)
        assert (picture.format, picture.size) == ("WEBP", (pixels, pixels))
        assert corners_of(picture) == ["red", "green", "blue", "yellow"]
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["content-disposition"] == 'inline; filename="avatar.webp"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        head = await api.call("HEAD", path + query)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == answer.headers["etag"]
        assert head.headers["content-length"] == str(len(answer.content))
    without = await api.call("GET", f"/users/{user['id']}/avatar")
    assert without.headers["cache-control"] == "public, max-age=60"
    for query in ("?size=huge", "?v=1", "?w=1", "?size=small&size=large"):
        assert (await api.call("GET", f"/users/{user['id']}/avatar{query}")).status_code == 422


async def test_who_has_the_picture_is_not_sent_it_again(api: Api) -> None:
    user, tokens = await api.member("ada")
    path = await with_picture(api, tokens)
    large = (await api.call("GET", path)).headers["etag"]
    small = (await api.call("GET", path + "&size=small")).headers["etag"]
    assert large != small
    for tag in (large, f'"x", W/{large}', f"{small}, {large}"):
        answer = await api.call("GET", path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", large)
        assert "immutable" in answer.headers["cache-control"]
    for tag in (small, '"x"', large.strip('"'), '"'):
        assert (await api.call("GET", path, headers={"If-None-Match": tag})).status_code == 200
    another = await with_picture(api, tokens)
    assert another != path
    answer = await api.call("GET", path, headers={"If-None-Match": large})
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["cache-control"]
    assert answer.headers["etag"] not in (large, small)
    assert user["id"] in another


async def test_a_picture_that_was_replaced_or_removed_leaves_nothing_behind(api: Api) -> None:
    user, tokens = await api.member("ada")
    first = await with_picture(api, tokens)
    assert len(await files(api)) == 2
    second = await with_picture(api, tokens)
    assert len(await files(api)) == 4
    await api.application.runner.drain()
    assert {key.split("/")[2] for key in await files(api)} == {second.partition("v=")[2]}
    assert (await api.call("GET", first)).status_code == 200
    assert (await api.call("DELETE", "/users/me/avatar", as_=tokens)).status_code == 204
    assert (await api.call("DELETE", "/users/me/avatar", as_=tokens)).status_code == 204
    answer = await api.call("GET", second)
    assert (answer.status_code, answer.json()["code"]) == (404, "avatar-not-found")
    assert (await api.call("GET", f"/users/{user['id']}/profile")).json()["avatar_url"] is None
    await api.application.runner.drain()
    assert await files(api) == set()


@pytest.mark.parametrize("by_themselves", [True, False])
async def test_a_picture_goes_with_its_account(api: Api, by_themselves: bool) -> None:
    user, tokens = await api.member("ada")
    path = await with_picture(api, tokens)
    if by_themselves:
        assert (await api.call("DELETE", "/users/me", as_=tokens)).status_code == 204
    else:
        await api.application.identity.delete_user(OPERATOR, user_id=UUID(user["id"]))
    assert (await api.call("GET", path)).status_code == 404
    await api.application.runner.drain()
    assert await files(api) == set()


async def test_a_picture_that_is_refused_leaves_no_file(api: Api) -> None:
    """Whoever repeats it all day would fill the store, which is swept once a day."""
    _, tokens = await api.member("ada")
    stale = await put(api, tokens, headers={"If-Match": '"999"'})
    assert stale.status_code == 412
    replace_avatar = api.application.profiles.replace_avatar
    with pytest.raises(NotFound):
        await replace_avatar(OPERATOR, image=io.BytesIO(a_picture()), user_id=uuid4())
    assert await files(api) == set()


async def test_files_that_nobody_shows_are_swept_after_a_day(api: Api) -> None:
    """What was stored for a change that failed stays for a day: the change may still be on its way."""
    user, tokens = await api.member("ada")
    await with_picture(api, tokens)
    kept = await files(api)
    show = api.application.profiles.show_avatar
    await show.files.put(UUID(user["id"]), uuid4(), dict.fromkeys(AvatarSize, b"of a change that failed"))
    await show.files.blobs.put("avatars/not-ours.txt", b"by somebody else")
    assert len(await files(api)) == 5
    sweep = AvatarSweep(show.files.blobs, show.queries, api.clock)
    assert await sweep.run() == 0
    api.clock.advance(hours=25)
    assert await sweep.run() == 2
    assert await files(api) == {*kept, "avatars/not-ours.txt"}


async def test_each_change_is_in_the_trail_once(api: Api) -> None:
    _, admin = await api.admin()
    user, tokens = await api.member("ada")
    await api.call("PATCH", "/users/me/profile", as_=tokens, json={"bio": "my secret", "website": "http://a.example"})
    await api.call("PATCH", "/users/me/profile", as_=tokens, json={"bio": "my secret"})
    await with_picture(api, tokens)
    await api.call("DELETE", "/users/me/avatar", as_=tokens)
    await api.application.runner.drain()
    entries = await api.trail(admin, subject=user["id"])
    assert [entry["action"] for entry in entries][:3] == ["avatar.removed", "avatar.replaced", "profile.updated"]
    assert sorted(entries[2]["fields"]) == ["bio", "website"]
    assert len([entry for entry in entries if entry["action"].startswith(("avatar", "profile"))]) == 3
    assert "my secret" not in str(entries)


async def test_who_keeps_the_house_clean_changes_others_but_nobody_above_them(api: Api) -> None:
    root, _ = await api.admin()
    user, tokens = await api.member("ada")
    await with_picture(api, tokens)
    _, mod = await api.staff("mod", "profiles:update")
    changed = await api.call("PATCH", f"/users/{user['id']}/profile", as_=mod, json={"bio": "[removed]"})
    assert (changed.status_code, changed.json()["bio"]) == (200, "[removed]")
    assert (await api.call("DELETE", f"/users/{user['id']}/avatar", as_=mod)).status_code == 204
    assert (await api.call("GET", "/users/me/profile", as_=tokens)).json()["avatar_url"] is None
    for method, path, rest in (
        ("PATCH", f"/users/{root['id']}/profile", {"json": {"bio": "x"}}),
        ("DELETE", f"/users/{root['id']}/avatar", {}),
    ):
        answer = await api.call(method, path, as_=mod, **rest)
        assert (answer.status_code, answer.json()["code"]) == (403, "beyond-your-rights")
        assert (await api.call(method, path, as_=tokens, **rest)).status_code == 403


async def test_an_api_key_changes_nothing_of_its_owners(api: Api) -> None:
    _, tokens = await api.admin()
    key = (await api.key(tokens, "*"))["key"]
    for method, path, rest in (
        ("PATCH", "/users/me/profile", {"json": {"bio": "x"}}),
        ("PUT", "/users/me/avatar", {"files": {"file": FILE}}),
        ("DELETE", "/users/me/avatar", {}),
    ):
        answer = await api.call(method, path, headers={"X-API-Key": key}, **rest)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-in-person")
    assert (await api.call("GET", "/users/me/profile", headers={"X-API-Key": key})).status_code == 200


async def test_what_a_file_is_called_is_never_looked_at(api: Api, settings: Settings) -> None:
    _, tokens = await api.member("ada")
    for name in ("../../etc/passwd", "/etc/passwd", "a\\b", "..", "x" * 3_000, "a\u202e.png", "C:\\x.exe"):
        answer = await api.call("PUT", "/users/me/avatar", as_=tokens, files={"file": (name, a_picture(), "text/html")})
        assert answer.status_code == 200, name
    await api.application.runner.drain()
    stored = await files(api)
    assert len(stored) == 2
    assert {key.rpartition("/")[2] for key in stored} == {"large.webp", "small.webp"}
    folder = Path(settings.data_dir) / "blobs"
    assert all(path.suffix == ".webp" for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"GIF89a" + bytes(50), "unsupported-image"),
        (b"<svg onload='alert(1)'/>", "unsupported-image"),
        (a_picture()[:80], "not-an-image"),
        (b"", "unsupported-image"),
    ],
)
async def test_what_is_no_picture_is_refused_and_leaves_nothing(api: Api, content: bytes, code: str) -> None:
    _, tokens = await api.member("ada")
    answer = await put(api, tokens, content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert await files(api) == set()


async def test_what_is_no_form_with_one_file_is_refused(api: Api) -> None:
    _, tokens = await api.member("ada")
    url = "/users/me/avatar"

    async def status(**rest: Any) -> int:
        return (await api.call("PUT", url, as_=tokens, **rest)).status_code

    assert await status(content=a_picture(), headers={"Content-Type": "image/png"}) == 415
    assert await status(json={"file": "x"}) == 415
    assert await status(data={"file": "x"}) == 415
    assert await status() == 415
    assert await status(files={"picture": FILE}) == 422
    assert await status(files=[("file", FILE), ("file", FILE)]) == 422
    assert await status(files={"file": FILE}, data={"more": "x"}) == 422
    assert await status(files={"file": (None, a_picture())}) == 422
    for body in (
        b"",
        b"--b\r\n",
        b"--b--\r\n",
        b"nonsense",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    ):
        assert await status(content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}) == 422, body
    assert await status(content=b"--b--", headers={"Content-Type": "multipart/form-data"}) == 422
    assert (await api.call("PUT", url, files={"file": FILE})).status_code == 401


async def test_five_megabytes_and_no_more(api: Api) -> None:
    _, tokens = await api.member("ada")
    largest = a_picture("JPEG")
    largest += bytes(LARGEST_IMAGE - len(largest))
    assert (await put(api, tokens, largest)).status_code == 200
    for content in (largest + b"x", largest + bytes(100_000)):
        answer = await put(api, tokens, content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    other = await api.call("PATCH", "/users/me/profile", as_=tokens, json={"bio": "a" * 1_100_000})
    assert other.status_code == 413


@pytest.mark.parametrize("beginning", [b'Content-Disposition: form-data; name="file"; filename="x"\r\n\r\n', b"X-A: "])
async def test_of_an_endless_body_no_more_is_read_than_may_come(api: Api, beginning: bytes) -> None:
    """Neither of a file nor of the headers before one. It announces no length."""
    _, tokens = await api.member("ada")
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"--b\r\n" + beginning
        while sent < 1_000_000_000:
            sent += 65_536
            yield bytes([97]) * 65_536

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await api.call("PUT", "/users/me/avatar", as_=tokens, content=endless(), headers=headers)
    assert answer.status_code == (422 if beginning.startswith(b"X-A") else 413)
    assert sent <= LARGEST_IMAGE + 16_384 + 2 * 65_536


async def test_of_two_pictures_at_once_one_is_shown_and_the_other_removed(api: Api) -> None:
    user, tokens = await api.member("ada")
    answers = await asyncio.gather(*(put(api, tokens) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    await api.application.runner.drain()
    shown = (await api.call("GET", f"/users/{user['id']}/profile")).json()["avatar_url"]
    assert {key.split("/")[2] for key in await files(api)} == {shown.partition("v=")[2]}


async def test_a_store_of_files_that_is_away_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing has changed then."""
    user, tokens = await api.member("ada")
    path = await with_picture(api, tokens)
    blobs = api.application.profiles.show_avatar.files.blobs

    async def away(*_: object) -> None:
        raise Unavailable("blobs-unavailable", "The store of files does not answer; try again soon.")

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "put", away)
        patched.setattr(blobs, "open", away)
        for answer in (await put(api, tokens), await api.call("GET", path)):
            assert (answer.status_code, answer.json()["code"]) == (503, "blobs-unavailable")
            assert int(answer.headers["retry-after"]) >= 1
    assert (
        (await api.call("GET", f"/users/{user['id']}/profile")).json()["avatar_url"].endswith(path.partition("v=")[2])
    )


async def test_files_are_removed_though_the_store_was_away_at_first(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _, tokens = await api.member("ada")
    await with_picture(api, tokens)
    await api.call("DELETE", "/users/me/avatar", as_=tokens)
    blobs = api.application.profiles.show_avatar.files.blobs

    async def away(*_: object) -> None:
        raise Unavailable("blobs-unavailable", "The store of files does not answer; try again soon.")

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "remove", away)
        await api.application.runner.drain()
    assert len(await files(api)) == 2
    api.clock.advance(hours=1)
    await api.application.runner.drain()
    assert await files(api) == set()


async def test_the_operator_gives_a_picture_on_a_condition_too(api: Api) -> None:
    user, _ = await api.member("ada")
    replace, user_id = api.application.profiles.replace_avatar, UUID(user["id"])
    given = await replace(OPERATOR, user_id=user_id, image=io.BytesIO(a_picture()))
    with pytest.raises(Stale):
        await replace(OPERATOR, user_id=user_id, image=io.BytesIO(a_picture()), expected=frozenset({given.version - 1}))
    avatar_id = UUID(str(given.value.avatar_url).partition("v=")[2])
    content = await api.application.profiles.show_avatar.files.open(user_id, avatar_id, AvatarSize.SMALL)
    assert content is not None
    assert decoded(await whole(content)).size == (64, 64)

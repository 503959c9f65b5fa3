"""API keys: what a member's programs sign in with; never more than their owner, and never longer (S19)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api, Tokens


def _header(key: dict[str, Any]) -> dict[str, str]:
    return {"X-API-Key": key["key"]}


def _bearer(key: dict[str, Any]) -> Tokens:
    return Tokens(key["key"], "")


async def _call(api: Api, key: dict[str, Any], method: str, path: str, body: Any = None) -> httpx.Response:
    return await api.call(method, path, headers=_header(key), json=body)


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def _gone(api: Api, key: dict[str, Any]) -> None:
    """The key is refused, as header and as bearer token."""
    for answer in (await _call(api, key, "GET", "/users/me"), await api.me(_bearer(key))):
        _refused(answer, 401, "bad-api-key")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def _keys(api: Api, tokens: Tokens, **query: Any) -> dict[str, Any]:
    answer = await api.call("GET", "/api-keys", as_=tokens, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# Made, listed, revoked


async def test_a_key_is_told_once_and_never_again(api: Api) -> None:
    user, ada = await api.member()
    body = {"name": "nightly report", "permissions": [], "expires_at": "2199-01-01T02:00:00+02:00"}
    answer = await api.call("POST", "/api-keys", as_=ada, json=body)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert answer.headers["location"] == f"/api/v1/api-keys/{made['id']}"
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) < len(made["key"]) / 3
    assert (made["user_id"], made["name"], made["permissions"]) == (user["id"], "nightly report", [])
    assert (made["expires_at"], made["last_used_at"]) == ("2199-01-01T00:00:00Z", None)
    listed = await api.call("GET", "/api-keys", as_=ada)
    assert listed.json()["items"] == [{name: value for name, value in made.items() if name != "key"}]
    assert made["key"] not in listed.text


async def test_a_key_signs_in_as_its_own_header_and_as_a_bearer_token(api: Api) -> None:
    user, ada = await api.member()
    key = await api.key(ada)
    for answer in (await _call(api, key, "GET", "/users/me"), await api.me(_bearer(key))):
        assert (answer.status_code, answer.json()["id"]) == (200, user["id"])


async def test_two_credentials_at_once_are_refused(api: Api) -> None:
    _, ada = await api.member()
    key = await api.key(ada)
    for tokens in (ada, _bearer(key)):
        _refused(await api.call("GET", "/users/me", as_=tokens, headers=_header(key)), 422, "two-credentials")


@pytest.mark.parametrize("text", ["x", "mh_", "mh_" + "A" * 43, "mh_é", "mh_\0", "MH_" + "A" * 43, "mh_" + "A" * 5000])
async def test_what_is_no_key_is_refused(api: Api, text: str) -> None:
    _, ada = await api.member()
    await api.key(ada)
    for name, value in (("X-API-Key", text), ("Authorization", f"Bearer {text}")):
        answer = await api.call("GET", "/users/me", headers={name: value.encode("latin-1")})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_every_changed_character_of_a_key_is_refused(api: Api) -> None:
    _, ada = await api.member()
    key = (await api.key(ada))["key"]
    for place, character in enumerate(key):
        other = "A" if character != "A" else "B"
        assert (await api.me(Tokens(key[:place] + other + key[place + 1 :], ""))).status_code == 401
    for changed in (key[:-1], key + "A", key.upper(), key[:9]):
        assert (await api.me(Tokens(changed, ""))).status_code == 401


async def test_a_revoked_key_is_refused_at_the_next_request(api: Api) -> None:
    _, ada = await api.member()
    key, other = await api.key(ada), await api.key(ada)
    assert (await _call(api, key, "GET", "/users/me")).status_code == 200
    assert (await api.call("DELETE", f"/api-keys/{key['id']}", as_=ada)).status_code == 204
    await _gone(api, key)
    assert (await _call(api, other, "GET", "/users/me")).status_code == 200
    _refused(await api.call("DELETE", f"/api-keys/{key['id']}", as_=ada), 404, "api-key-not-found")
    assert [found["id"] for found in (await _keys(api, ada))["items"]] == [other["id"]]


async def test_a_key_runs_out_on_time(api: Api) -> None:
    _, ada = await api.member()
    at = api.clock.now() + timedelta(minutes=10)
    key = await api.key(ada, expires_at=at.isoformat())
    api.clock.advance(minutes=10, microseconds=-1)
    assert (await _call(api, key, "GET", "/users/me")).status_code == 200
    api.clock.advance(microseconds=1)
    await _gone(api, key)
    assert [found["id"] for found in (await _keys(api, ada))["items"]] == [key["id"]]


async def test_another_members_key_is_not_there_and_goes_on_working(api: Api) -> None:
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    key = await api.key(ada)
    for missing in (key["id"], uuid4()):
        _refused(await api.call("DELETE", f"/api-keys/{missing}", as_=bob), 404, "api-key-not-found")
    assert (await api.call("DELETE", "/api-keys/not-an-id", as_=bob)).status_code == 422
    assert (await _call(api, key, "GET", "/users/me")).status_code == 200
    assert (await _keys(api, bob))["items"] == []


async def test_a_key_is_seen_and_revoked_by_who_may_do_so_for_everybody(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    _, bob = await api.member("bob")
    key = await api.key(ada)
    _refused(await api.call("GET", "/api-keys", as_=bob, params={"user_id": user["id"]}), 403, "not-allowed")
    [found] = (await _keys(api, root, user_id=user["id"]))["items"]
    assert (found["id"], "key" in found) == (key["id"], False)
    assert (await _keys(api, root))["items"] == []
    assert (await api.call("DELETE", f"/api-keys/{key['id']}", as_=root)).status_code == 204
    await _gone(api, key)


async def test_the_keys_of_who_is_not_there_are_not_found(api: Api) -> None:
    """As their sessions are not."""
    _, root = await api.admin()
    for path in (f"/users/{uuid4()}/sessions", f"/api-keys?user_id={uuid4()}"):
        assert (await api.call("GET", path, as_=root)).status_code == 404, path


async def test_one_member_has_a_hundred_keys_at_most_even_in_parallel(api: Api) -> None:
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    keys = [await api.key(ada) for _ in range(98)]
    body = {"name": "one more", "permissions": []}
    answers = await asyncio.gather(*(api.call("POST", "/api-keys", as_=ada, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    _refused(await api.call("POST", "/api-keys", as_=ada, json=body), 409, "too-many-keys")
    assert (await _keys(api, ada, page_size=100))["total"] == 100
    await api.key(bob)
    await api.call("DELETE", f"/api-keys/{keys[0]['id']}", as_=ada)
    await api.key(ada)


async def test_keys_are_listed_newest_first_page_by_page(api: Api) -> None:
    _, ada = await api.member()
    made = []
    for number in range(5):
        api.clock.advance(seconds=1)
        made.append((await api.key(ada, name=f"key {number}"))["id"])
    first = await _keys(api, ada, page_size=3)
    assert (first["total"], first["pages"]) == (5, 2)
    rest = await _keys(api, ada, page_size=3, cursor=first["next_cursor"])
    assert [key["id"] for key in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2199-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "2199-01-01"}, "/expires_at"),
        ({"expires_at": 7_226_582_400}, "/expires_at"),
        ({"expires_at": "7226582400"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-01:00"}, "/expires_at"),
        ({"expires_at": "2199-02-30T00:00:00Z"}, "/expires_at"),
        ({"expires_at": ""}, "/expires_at"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": None}, "/name"),
        ({"permissions": ["users:fly"]}, "/permissions/0"),
        ({"permissions": None}, "/permissions"),
        ({"permissions": "users:read"}, "/permissions"),
        ({"user_id": str(uuid4())}, "/user_id"),
        ({"key": "mh_mine"}, "/key"),
    ],
)
async def test_bad_input_is_refused_where_it_stands(api: Api, fields: dict[str, Any], pointer: str) -> None:
    _, ada = await api.member()
    answer = await api.call("POST", "/api-keys", as_=ada, json={"name": "x", "permissions": [], **fields})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await _keys(api, ada))["total"] == 0


async def test_a_key_expires_in_the_future(api: Api) -> None:
    _, ada = await api.member()
    now = api.clock.now()
    body = {"name": "x", "permissions": [], "expires_at": now.isoformat()}
    _refused(await api.call("POST", "/api-keys", as_=ada, json=body), 422, "bad-expiry")
    for moment in (now + timedelta(microseconds=1), datetime.max.replace(tzinfo=UTC)):
        made = await api.key(ada, expires_at=moment.isoformat())
        assert datetime.fromisoformat(made["expires_at"]) == moment


async def test_its_last_use_is_noted_to_the_minute(api: Api) -> None:
    _, ada = await api.member()
    key = await api.key(ada)

    async def noted() -> datetime | None:
        [found] = (await _keys(api, ada))["items"]
        return datetime.fromisoformat(found["last_used_at"]) if found["last_used_at"] else None

    first = api.clock.now()
    await _call(api, key, "GET", "/users/me")
    assert await noted() == first
    api.clock.advance(seconds=59)
    await _call(api, key, "GET", "/users/me")
    assert await noted() == first
    api.clock.advance(seconds=1)
    await _call(api, key, "GET", "/users/me")
    assert await noted() == first + timedelta(minutes=1)


# Never more than the owner, and never longer


async def test_a_key_does_what_it_is_allowed_and_no_more(api: Api) -> None:
    user, root = await api.admin()
    key = await api.key(root, "users:read", "sessions:*")
    for path in ("/users", f"/users/{user['id']}", f"/users/{user['id']}/sessions"):
        assert (await _call(api, key, "GET", path)).status_code == 200
    for method, path, body in (
        ("POST", "/users", {"email": "x@example.com"}),
        ("PATCH", f"/users/{user['id']}", {"first_name": "X"}),
        ("PUT", f"/users/{user['id']}/roles", {"roles": ["member"]}),
        ("DELETE", f"/users/{user['id']}", None),
        ("GET", "/roles", None),
        ("POST", "/roles", {"name": "x", "permissions": []}),
        ("GET", "/audit", None),
    ):
        _refused(await _call(api, key, method, path, body), 403, "not-allowed")
    none = await api.key(root)
    _refused(await _call(api, none, "GET", "/users"), 403, "not-allowed")


async def test_a_key_of_an_administrator_reaches_no_further_than_its_own_permissions(api: Api) -> None:
    _, root = await api.admin()
    other = await api.register("other@example.com")
    second = await api.register("second@example.com")
    await api.give(second, "admin")
    key = await api.key(root, "users:update", "users:set-roles", "roles:create")
    for method, path, body in (
        ("PATCH", f"/users/{second['id']}", {"email": "thief@example.com"}),
        ("PUT", f"/users/{other['id']}/roles", {"roles": ["admin"]}),
        ("POST", "/roles", {"name": "x", "permissions": ["*"]}),
    ):
        _refused(await _call(api, key, method, path, body), 403, "beyond-your-rights")


async def test_a_key_changes_nothing_of_its_owners_by_a_permission_over_all_accounts(api: Api) -> None:
    """Else a leaked key could change the owner's e-mail address, and have the password reset there."""
    user, staff = await api.staff("staff", "users:*", "sessions:*", "api-keys:*")
    made = await api.key(staff, "users:*", "sessions:*", "api-keys:*")
    [session] = (await api.call("GET", "/auth/sessions", as_=staff)).json()["items"]
    for method, path, body in (
        ("PATCH", f"/users/{user['id']}", {"email": "thief@example.com"}),
        ("PUT", f"/users/{user['id']}/roles", {"roles": ["member"]}),
        ("DELETE", f"/users/{user['id']}", None),
        ("DELETE", f"/users/{user['id']}/sessions", None),
        ("DELETE", f"/auth/sessions/{session['id']}", None),
        ("DELETE", f"/api-keys/{made['id']}", None),
    ):
        _refused(await _call(api, made, method, path, body), 403, "not-in-person")
    assert (await _call(api, made, "GET", f"/users/{user['id']}")).status_code == 200


async def test_a_key_is_shown_to_its_owner_at_the_place_that_making_it_named(api: Api) -> None:
    _, ada = await api.member("ada")
    _, bob = await api.member("bob")
    made = await api.call("POST", "/api-keys", as_=ada, json={"name": "x", "permissions": []})
    path = made.headers["location"].removeprefix("/api/v1")
    shown = await api.call("GET", path, as_=ada)
    assert (shown.status_code, {**shown.json(), "key": made.json()["key"]}) == (200, made.json())
    _refused(await api.call("GET", path, as_=bob), 404, "api-key-not-found")
    _, staff = await api.staff("staff", "api-keys:read")
    assert (await api.call("GET", path, as_=staff)).json() == shown.json()


async def test_a_key_is_given_nothing_that_its_owner_may_not(api: Api) -> None:
    _, staff = await api.staff("staff", "users:read", "sessions:*")
    for permission in ("users:update", "users:*", "*", "audit:read"):
        body = {"name": "x", "permissions": ["users:read", permission]}
        _refused(await api.call("POST", "/api-keys", as_=staff, json=body), 403, "beyond-your-rights")
    assert (await _keys(api, staff))["total"] == 0
    assert (await api.key(staff, "users:read", "sessions:end"))["permissions"] == ["sessions:end", "users:read"]


@pytest.mark.parametrize("granted", ["users:read", "users:*"])
async def test_what_the_owner_loses_the_key_loses_and_gets_back_with_them(api: Api, granted: str) -> None:
    user, staff = await api.staff("staff", "users:*")
    key = await api.key(staff, granted)
    assert (await _call(api, key, "GET", "/users")).status_code == 200
    await api.give(user, "member")
    _refused(await _call(api, key, "GET", "/users"), 403, "not-allowed")
    assert (await _call(api, key, "GET", "/users/me")).status_code == 200
    await api.give(user, "member", "staff")
    assert (await _call(api, key, "GET", "/users")).status_code == 200


async def test_a_key_that_may_everything_follows_its_owners_role(api: Api) -> None:
    _, root = await api.admin()
    user, boss = await api.member("boss")
    await api.give(user, "admin")
    key = await api.key(boss, "*")
    await api.call("POST", "/roles", as_=root, json={"name": "reader", "permissions": ["users:read"]})
    await api.call("PUT", f"/users/{user['id']}/roles", as_=root, json={"roles": ["reader"]})
    assert (await _call(api, key, "GET", "/users")).status_code == 200
    _refused(await _call(api, key, "GET", "/audit"), 403, "not-allowed")
    _refused(await _call(api, key, "POST", "/users", {"email": "x@example.com"}), 403, "not-allowed")
    await api.call("PATCH", "/roles/reader", as_=root, json={"permissions": ["audit:read"]})
    assert (await _call(api, key, "GET", "/audit")).status_code == 200
    _refused(await _call(api, key, "GET", "/users"), 403, "not-allowed")


@pytest.mark.parametrize("way", ["deactivated", "deleted", "deletes themselves"])
async def test_a_key_ends_with_its_owners_account(api: Api, way: str) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    key = await api.key(ada)
    if way == "deactivated":
        await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
    elif way == "deleted":
        await api.call("DELETE", f"/users/{user['id']}", as_=root)
    else:
        await api.call("DELETE", "/users/me", as_=ada)
    await _gone(api, key)
    if way != "deactivated":
        _refused(await api.call("DELETE", f"/api-keys/{key['id']}", as_=root), 404, "api-key-not-found")


# What only members themselves may do


@pytest.mark.parametrize("permissions", [[], ["*"]])
async def test_a_key_reads_its_owners_account_and_changes_nothing_of_it(api: Api, permissions: list[str]) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    await api.give(user, "admin")
    key = await api.key(ada, *permissions)
    before = await _call(api, key, "GET", "/users/me")
    passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    for method, path, body in (
        ("PATCH", "/users/me", {"first_name": "X"}),
        ("PUT", "/users/me/password", passwords),
        ("DELETE", "/users/me", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/api-keys", {"name": "x", "permissions": []}),
    ):
        _refused(await _call(api, key, method, path, body), 403, "not-in-person")
    _refused(await _call(api, key, "POST", "/auth/logout"), 403, "no-session")
    assert (await api.me(ada)).headers["etag"] == before.headers["etag"]
    assert (await _keys(api, root, user_id=user["id"]))["total"] == 1


async def test_a_key_without_permissions_sees_and_ends_neither_sessions_nor_keys(api: Api) -> None:
    _, ada = await api.member()
    key = await api.key(ada)
    [session] = (await api.call("GET", "/auth/sessions", as_=ada)).json()["items"]
    for method, path in (
        ("GET", "/auth/sessions"),
        ("GET", "/api-keys"),
        ("DELETE", f"/auth/sessions/{session['id']}"),
        ("DELETE", f"/api-keys/{key['id']}"),
    ):
        _refused(await _call(api, key, method, path), 403, "not-in-person")
    assert (await api.me(ada)).status_code == 200

"""Roles and permissions: made and changed while the service runs, within what one may oneself (S17, S19)."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from tests.entrypoints.http.client import PASSWORD, Api, Tokens

READER = {"name": "reader", "description": "Sees the members.", "permissions": ["users:read"]}


async def _make(api: Api, root: Tokens, **fields: Any) -> httpx.Response:
    answer = await api.call("POST", "/roles", as_=root, json={**READER, **fields})
    assert answer.status_code == 201, answer.text
    return answer


async def _set_roles(api: Api, by: Tokens, user: dict[str, Any], *roles: str) -> httpx.Response:
    return await api.call("PUT", f"/users/{user['id']}/roles", as_=by, json={"roles": list(roles)})


async def _lists_members(api: Api, tokens: Tokens) -> bool:
    answer = await api.call("GET", "/users", as_=tokens)
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# Make, show, list, change, delete


async def test_a_role_is_made_and_shown_where_the_location_says(api: Api) -> None:
    _, root = await api.admin()
    made = await _make(api, root)
    role = made.json()
    assert role.keys() == {
        "id", "name", "description", "permissions", "is_built_in", "created_at", "updated_at",
    }  # fmt: skip
    assert {name: role[name] for name in READER} == READER
    assert role["is_built_in"] is False
    assert made.headers["location"] == "/api/v1/roles/reader"
    shown = await api.call("GET", "/roles/reader", as_=root)
    assert (shown.status_code, shown.json(), shown.headers["etag"]) == (200, role, made.headers["etag"])


async def test_roles_are_listed_page_by_page_with_the_built_in_ones(api: Api) -> None:
    _, root = await api.admin()
    for number in range(3):
        api.clock.advance(seconds=1)
        await _make(api, root, name=f"role-{number}")
    first = (await api.call("GET", "/roles", as_=root, params={"page_size": 3})).json()
    assert (first["total"], first["pages"]) == (5, 2)
    assert [role["name"] for role in first["items"]] == ["role-2", "role-1", "role-0"]
    rest = await api.call("GET", "/roles", as_=root, params={"page_size": 3, "cursor": first["next_cursor"]})
    built_in = {role["name"]: role for role in rest.json()["items"]}
    assert built_in.keys() == {"admin", "member"}
    assert built_in["admin"]["permissions"] == ["*"]
    assert all(role["is_built_in"] for role in built_in.values())
    assert "link" not in rest.headers


async def test_a_role_is_changed_field_by_field_and_only_in_the_version_that_is_meant(api: Api) -> None:
    _, root = await api.admin()
    old = (await _make(api, root)).headers["etag"]
    api.clock.advance(seconds=1)
    changed = await api.call(
        "PATCH", "/roles/reader", as_=root, json={"permissions": ["sessions:read"]}, headers={"If-Match": old}
    )
    assert changed.status_code == 200
    assert (changed.json()["permissions"], changed.json()["description"]) == (["sessions:read"], "Sees the members.")
    assert changed.json()["updated_at"] > changed.json()["created_at"]
    new = changed.headers["etag"]
    assert new != old
    for method, body in (("PATCH", {"description": None}), ("DELETE", None)):
        _refused(
            await api.call(method, "/roles/reader", as_=root, json=body, headers={"If-Match": old}),
            412,
            "stale-version",
        )
    cleared = await api.call("PATCH", "/roles/reader", as_=root, json={"description": None}, headers={"If-Match": new})
    assert (cleared.json()["description"], cleared.json()["permissions"]) == (None, ["sessions:read"])
    same = await api.call("PATCH", "/roles/reader", as_=root, json={"permissions": ["sessions:read"]})
    assert same.headers["etag"] == cleared.headers["etag"]
    gone = await api.call("DELETE", "/roles/reader", as_=root, headers={"If-Match": cleared.headers["etag"]})
    assert gone.status_code == 204
    _refused(await api.call("GET", "/roles/reader", as_=root), 404, "role-not-found")


@pytest.mark.parametrize("name", ["nowhere", "READER", "a%00b", "a%20b", "é"])
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"description": "x"}), ("DELETE", None)])
async def test_a_role_that_is_not_there_is_not_found(api: Api, name: str, method: str, body: Any) -> None:
    _, root = await api.admin()
    await _make(api, root)
    _refused(await api.call(method, f"/roles/{name}", as_=root, json=body), 404, "role-not-found")


async def test_a_permission_that_does_not_exist_is_refused_where_it_stands(api: Api) -> None:
    _, root = await api.admin()
    await _make(api, root)
    for unknown in ("users:fly", "nothing:*", "users", "users:", ":read", "*:read", "**", "", "USERS:READ", "a:\0"):
        permissions = ["users:read", "users:*", unknown]
        for method, path, body in (
            ("POST", "/roles", {"name": "flyer", "permissions": permissions}),
            ("PATCH", "/roles/reader", {"permissions": permissions}),
        ):
            answer = await api.call(method, path, as_=root, json=body)
            _refused(answer, 422, "unknown-permission")
            assert [problem["pointer"] for problem in answer.json()["errors"]] == ["/permissions/2"]
    assert (await api.call("GET", "/roles/reader", as_=root)).json()["permissions"] == ["users:read"]
    _refused(await api.call("GET", "/roles/flyer", as_=root), 404, "role-not-found")


@pytest.mark.parametrize("name", ["", "-reader", "_reader", "a b", "é", "a\0", "a\n", "ａ", "a/b", "x" * 51])
async def test_a_bad_role_name_is_refused(api: Api, name: str) -> None:
    _, root = await api.admin()
    answer = await api.call("POST", "/roles", as_=root, json={**READER, "name": name})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")


@pytest.mark.parametrize("description", ["", " ", "two\nlines", "a\0b", "x" * 201, 7])
async def test_a_bad_description_is_refused(api: Api, description: Any) -> None:
    _, root = await api.admin()
    await _make(api, root)
    for method, path, body in (("POST", "/roles", {**READER, "name": "other"}), ("PATCH", "/roles/reader", {})):
        answer = await api.call(method, path, as_=root, json={**body, "description": description})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/description")


async def test_nothing_but_the_declared_fields_of_a_role_can_be_sent(api: Api) -> None:
    _, root = await api.admin()
    await _make(api, root)
    for injected in ({"name": "x"}, {"is_built_in": True}, {"id": "x"}, {"permissions": None}, {"permissions": "*"}):
        answer = await api.call("PATCH", "/roles/reader", as_=root, json=injected)
        _refused(answer, 422, "invalid-input")
    answer = await api.call("POST", "/roles", as_=root, json={**READER, "name": "x", "is_built_in": True})
    _refused(answer, 422, "invalid-input")


async def test_a_name_that_differs_by_case_alone_is_taken(api: Api) -> None:
    _, root = await api.admin()
    await _make(api, root)
    for name in ("reader", "Reader", "READER", "Admin", "member"):
        _refused(await api.call("POST", "/roles", as_=root, json={**READER, "name": name}), 409, "role-taken")
    answers = await asyncio.gather(
        *(api.call("POST", "/roles", as_=root, json={**READER, "name": name}) for name in ("twin", "Twin", "TWIN"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_the_built_in_roles_stay(api: Api) -> None:
    _, root = await api.admin()
    for permissions in ([], ["users:read"], ["*", "users:read"]):
        answer = await api.call("PATCH", "/roles/admin", as_=root, json={"permissions": permissions})
        _refused(answer, 409, "built-in-role")
    for name in ("admin", "member"):
        _refused(await api.call("DELETE", f"/roles/{name}", as_=root), 409, "built-in-role")
    described = await api.call("PATCH", "/roles/admin", as_=root, json={"description": "All of it."})
    assert (described.status_code, described.json()["permissions"]) == (200, ["*"])


async def test_what_the_role_member_allows_everybody_may(api: Api) -> None:
    _, root = await api.admin()
    _, ada = await api.member("ada")
    await api.call("PATCH", "/roles/member", as_=root, json={"permissions": ["users:read"]})
    assert await _lists_members(api, ada)
    await api.call("PATCH", "/roles/member", as_=root, json={"permissions": []})
    assert not await _lists_members(api, ada)


# The permissions there are


async def test_every_permission_has_a_name_and_a_sentence(api: Api) -> None:
    _, ada = await api.member("ada")
    answer = await api.call("GET", "/permissions?page_size=100", as_=ada)
    assert answer.status_code == 200
    listed = answer.json()["items"]
    names = [permission["name"] for permission in listed]
    assert answer.json()["total"] == len(names)
    assert names == sorted(set(names))
    assert {"users:read", "users:set-roles", "roles:update", "audit:read", "api-keys:revoke"} <= set(names)
    for permission in listed:
        resource, _, action = permission["name"].partition(":")
        assert resource
        assert action
        assert permission["description"][0].isupper()
        assert permission["description"].endswith(".")
    anonymous = await api.call("GET", "/permissions")
    _refused(anonymous, 401, "not-signed-in")
    assert anonymous.headers["www-authenticate"] == "Bearer"


async def test_permissions_come_in_pages_like_every_list(api: Api) -> None:
    _, ada = await api.member("ada")
    whole = [one["name"] for one in (await api.call("GET", "/permissions?page_size=100", as_=ada)).json()["items"]]
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.call("GET", "/permissions", as_=ada, params={"page_size": 3, "cursor": cursor})).json()
        names += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert names == whole
    second = (await api.call("GET", "/permissions?page_size=3&page=2", as_=ada)).json()
    assert [one["name"] for one in second["items"]] == whole[3:6]


# What a role gives, and takes away again


async def test_a_role_gives_its_permissions_from_the_next_request_on(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    await _make(api, root)
    assert not await _lists_members(api, ada)
    assert (await _set_roles(api, root, user, "member", "reader")).json()["roles"] == ["member", "reader"]
    assert await _lists_members(api, ada)


@pytest.mark.parametrize("way", ["from the member", "from the role", "with the role", "with the account's activity"])
async def test_what_a_role_gave_is_gone_at_the_next_request(api: Api, way: str) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    await _make(api, root)
    await _set_roles(api, root, user, "member", "reader")
    assert await _lists_members(api, ada)
    if way == "from the member":
        await _set_roles(api, root, user, "member")
    elif way == "from the role":
        await api.call("PATCH", "/roles/reader", as_=root, json={"permissions": ["sessions:read"]})
    elif way == "with the role":
        await api.call("DELETE", "/roles/reader", as_=root)
    else:
        await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
        assert (await api.call("GET", "/users", as_=ada)).status_code == 401
        return
    _refused(await api.call("GET", "/users", as_=ada), 403, "not-allowed")


async def test_patterns_stand_for_all_that_they_cover(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    await _make(api, root, permissions=["users:*"])
    await _set_roles(api, root, user, "reader")
    assert (await api.call("POST", "/users", as_=ada, json={"email": "x@example.com"})).status_code == 201
    assert await _lists_members(api, ada)
    _refused(await api.call("GET", "/roles", as_=ada), 403, "not-allowed")
    await api.call("PATCH", "/roles/reader", as_=root, json={"permissions": ["*"]})
    assert (await api.call("GET", "/roles", as_=ada)).status_code == 200
    assert (await api.call("GET", "/audit", as_=ada)).status_code == 200


async def test_deleting_a_role_changes_the_accounts_of_those_who_have_it_alone(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    _, bob = await api.member("bob")
    await _make(api, root)
    await _set_roles(api, root, user, "member", "reader")
    before, untouched = (await api.me(ada)).headers["etag"], (await api.me(bob)).headers["etag"]
    assert (await api.call("DELETE", "/roles/reader", as_=root)).status_code == 204
    after = await api.me(ada)
    assert after.headers["etag"] != before
    assert after.json()["roles"] == ["member"]
    assert (await api.me(bob)).headers["etag"] == untouched
    stale = await api.call("PATCH", "/users/me", as_=ada, json={"first_name": "A"}, headers={"If-Match": before})
    assert stale.status_code == 412


async def test_a_deleted_role_comes_back_to_nobody_when_one_of_its_name_is_made(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    await _make(api, root)
    await _set_roles(api, root, user, "member", "reader")
    await api.call("DELETE", "/roles/reader", as_=root)
    await _make(api, root)
    assert not await _lists_members(api, ada)


# Nobody reaches beyond what they may themselves


async def _snapshot(api: Api, root: Tokens) -> Any:
    """All accounts and roles with their times of change, and how much the trail holds."""
    parts = [(await api.call("GET", path, as_=root)).json()["items"] for path in ("/users", "/roles")]
    for user in parts[0]:
        user.pop("last_login_at")
    return parts, (await api.call("GET", "/audit", as_=root, params={"page": 1})).json()["total"]


@pytest.mark.parametrize(
    ("permissions", "method", "path", "body"),
    [
        (["users:set-roles"], "PUT", "/users/{self}/roles", {"roles": ["admin", "member", "staff"]}),
        (["users:set-roles"], "PUT", "/users/{self}/roles", {"roles": ["member", "staff", "auditor"]}),
        (["users:set-roles"], "PUT", "/users/{other}/roles", {"roles": ["admin"]}),
        (["users:set-roles"], "PUT", "/users/{other}/roles", {"roles": ["auditor"]}),
        (["users:set-roles"], "PUT", "/users/{boss}/roles", {"roles": ["member"]}),
        (["users:set-roles"], "PUT", "/users/{root}/roles", {"roles": []}),
        (["users:*"], "PUT", "/users/{boss}/roles", {"roles": []}),
        (["users:update"], "PATCH", "/users/{root}", {"email": "thief@example.com"}),
        (["users:update"], "PATCH", "/users/{boss}", {"is_active": False}),
        (["users:update"], "PATCH", "/users/{clerk}", {"email": "thief@example.com"}),
        (["users:delete"], "DELETE", "/users/{boss}", None),
        (["users:delete"], "DELETE", "/users/{clerk}", None),
        (["users:create", "users:set-roles"], "POST", "/users", {"email": "x@example.com", "roles": ["admin"]}),
        (["users:create", "users:set-roles"], "POST", "/users", {"email": "x@example.com", "roles": ["auditor"]}),
        (["roles:create"], "POST", "/roles", {"name": "x", "permissions": ["*"]}),
        (["roles:create"], "POST", "/roles", {"name": "x", "permissions": ["roles:create", "users:read"]}),
        (["roles:create"], "POST", "/roles", {"name": "x", "permissions": ["roles:*"]}),
        (["roles:update"], "PATCH", "/roles/staff", {"permissions": ["roles:update", "users:read"]}),
        (["roles:update"], "PATCH", "/roles/staff", {"permissions": ["roles:*"]}),
        (["roles:update"], "PATCH", "/roles/staff", {"permissions": ["*"]}),
        (["roles:update"], "PATCH", "/roles/member", {"permissions": ["users:delete"]}),
        (["roles:update"], "PATCH", "/roles/auditor", {"permissions": []}),
        (["roles:delete"], "DELETE", "/roles/auditor", None),
    ],
)
async def test_nobody_gives_takes_or_overrules_more_than_they_hold(
    api: Api, permissions: list[str], method: str, path: str, body: Any
) -> None:
    root_user, root = await api.admin()
    user, staff = await api.staff("staff", *permissions)
    clerk, _ = await api.staff("auditor", "audit:read")
    other, boss = await api.register("other@example.com"), await api.register("boss@example.com")
    await _set_roles(api, root, boss, "admin", "member")
    ids = {"self": user, "other": other, "boss": boss, "root": root_user, "clerk": clerk}
    before = await _snapshot(api, root)
    url = path.format(**{name: found["id"] for name, found in ids.items()})
    _refused(await api.call(method, url, as_=staff, json=body), 403, "beyond-your-rights")
    assert await _snapshot(api, root) == before


async def test_nobody_takes_back_the_role_member_when_it_allows_more_than_they_hold(api: Api) -> None:
    """Who lost it, lost what it allows."""
    _, root = await api.admin()
    user, staff = await api.staff("staff", "users:set-roles")
    await api.call("PATCH", "/roles/member", as_=root, json={"permissions": ["users:read"]})
    await _set_roles(api, root, user, "staff")
    assert not await _lists_members(api, staff)
    _refused(await _set_roles(api, staff, user, "staff", "member"), 403, "beyond-your-rights")
    assert not await _lists_members(api, staff)


async def test_who_may_make_accounts_but_not_give_roles_gives_none(api: Api) -> None:
    await api.admin()
    _, staff = await api.staff("staff", "users:create")
    for roles in (["member"], ["admin"], []):
        body = {"email": "x@example.com", "roles": roles}
        _refused(await api.call("POST", "/users", as_=staff, json=body), 403, "not-allowed")
    plain = await api.call("POST", "/users", as_=staff, json={"email": "x@example.com"})
    assert (plain.status_code, plain.json()["roles"]) == (201, ["member"])


async def test_within_their_own_rights_staff_do_their_work(api: Api) -> None:
    _, root = await api.admin()
    user, staff = await api.staff("staff", "users:*", "roles:*")
    other = await api.register("other@example.com")
    made = await api.call("POST", "/roles", as_=staff, json={"name": "desk", "permissions": ["users:read", "roles:*"]})
    assert made.status_code == 201
    assert (await _set_roles(api, staff, other, "member", "desk")).status_code == 200
    renamed = await api.call("PATCH", f"/users/{other['id']}", as_=staff, json={"first_name": "X"})
    assert renamed.status_code == 200
    wider = await api.call("PATCH", "/roles/desk", as_=staff, json={"permissions": ["users:*"]})
    assert wider.status_code == 200
    assert (await api.call("DELETE", "/roles/desk", as_=staff)).status_code == 204
    assert (await api.call("DELETE", f"/users/{other['id']}", as_=staff)).status_code == 204
    assert (await api.call("GET", f"/users/{user['id']}", as_=root)).json()["roles"] == ["member", "staff"]


# Two administrators at once


@pytest.mark.parametrize("target", ["themselves", "each other", "one the other and himself"])
@pytest.mark.parametrize("way", ["set-roles", "deactivate", "delete", "all three"])
async def test_of_two_parallel_removals_of_the_last_administrators_one_is_refused(
    api: Api, way: str, target: str
) -> None:
    one_user, one = await api.admin()
    two_user, two = await api.member("two")
    await _set_roles(api, one, two_user, "admin", "member")

    def remove(by: Tokens, user: dict[str, Any], how: str) -> Awaitable[httpx.Response]:
        if how == "set-roles":
            return _set_roles(api, by, user, "member")
        if how == "deactivate":
            return api.call("PATCH", f"/users/{user['id']}", as_=by, json={"is_active": False})
        return api.call("DELETE", f"/users/{user['id']}", as_=by)

    ways = ["set-roles", "deactivate", "delete"] if way == "all three" else [way]
    pairs = {
        "themselves": ((one, one_user), (two, two_user)),
        "each other": ((one, two_user), (two, one_user)),
        "one the other and himself": ((one, two_user), (one, one_user)),
    }[target]
    answers = await asyncio.gather(*(remove(by, user, how) for how in ways for by, user in pairs))
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}
    assert any(answer.status_code in (401, 403, 409) for answer in answers)
    statuses = []
    for login in ("root", "two"):
        form = {"username": login, "password": PASSWORD}
        answer = await api.call("POST", "/auth/login", data=form)
        if answer.status_code == 200:
            tokens = Tokens(answer.json()["access_token"], answer.json()["refresh_token"])
            statuses.append((await api.call("GET", "/audit", as_=tokens)).status_code)
    assert statuses.count(200) == 1

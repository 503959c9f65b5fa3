"""An administrator in a member's place: sees what the member sees, changes nothing of it, and not for long."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, PASSWORD, Api, Tokens


async def _ask(api: Api, by: Tokens, user: dict[str, Any], *permissions: str) -> httpx.Response:
    body = {"permissions": list(permissions)} if permissions else {}
    return await api.call("POST", f"/users/{user['id']}/impersonate", as_=by, json=body)


async def _impersonate(api: Api, by: Tokens, user: dict[str, Any], *permissions: str) -> Tokens:
    answer = await _ask(api, by, user, *permissions)
    assert answer.status_code == 200, answer.text
    return Tokens(answer.json()["access_token"], "")


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def _over(api: Api, token: Tokens) -> None:
    answer = await api.me(token)
    _refused(answer, 401, "bad-token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def _sessions(api: Api, tokens: Tokens) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.call("GET", "/auth/sessions", as_=tokens)).json()["items"]
    return items


# What the token is


async def test_the_token_says_who_acts_for_whom_and_for_how_long(api: Api) -> None:
    boss, root = await api.admin()
    user, _ = await api.staff("ada", "users:read", "sessions:*")
    answer = await _ask(api, root, user, "users:read", "sessions:read")
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("bearer", 900, "sessions:read users:read")
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["act"], claims["scope"]) == (user["id"], {"sub": boss["id"]}, body["scope"])
    assert claims["exp"] - claims["iat"] == 900
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "at+jwt"


async def test_an_ordinary_token_names_nobody_who_acts(api: Api) -> None:
    _, ada = await api.member()
    assert "act" not in jwt.decode(ada.access_token, options={"verify_signature": False})


async def test_it_works_without_a_body(api: Api) -> None:
    """The contract names none."""
    _, root = await api.admin()
    user, _ = await api.member("ada")
    answer = await api.call("POST", f"/users/{user['id']}/impersonate", as_=root)
    assert (answer.status_code, answer.json().get("scope")) == (200, "")


async def test_no_refresh_token_gets_more_out_of_it(api: Api) -> None:
    _, root = await api.admin()
    user, _ = await api.member("ada")
    token = await _impersonate(api, root, user)
    assert (await api.refresh(token.access_token)).status_code == 401


# What can be done with it


async def test_it_shows_the_member_and_not_the_administrator(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    token = await _impersonate(api, root, user)
    shown = await api.me(token)
    assert (shown.status_code, shown.json()) == (200, (await api.me(ada)).json())
    assert (shown.json()["id"], shown.json()["is_superuser"]) == (user["id"], False)


@pytest.mark.parametrize("permissions", [(), ("users:*", "sessions:read")])
async def test_it_changes_nothing_that_is_the_members_own(api: Api, permissions: tuple[str, ...]) -> None:
    _, root = await api.admin()
    user, ada = await api.staff("ada", "users:*", "sessions:read")
    token = await _impersonate(api, root, user, *permissions)
    before, sessions = await api.me(ada), await _sessions(api, ada)
    other = await api.register("other@example.com")
    passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    for method, path, body in (
        ("PATCH", "/users/me", {"first_name": "X"}),
        ("PUT", "/users/me/password", passwords),
        ("DELETE", "/users/me", None),
        ("DELETE", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{sessions[0]['id']}", None),
        ("POST", "/api-keys", {"name": "x", "permissions": []}),
        ("DELETE", f"/api-keys/{uuid4()}", None),
        ("GET", "/api-keys", None),
    ):
        _refused(await api.call(method, path, as_=token, json=body), 403, "not-in-person")
    around = await api.call("PATCH", f"/users/{user['id']}", as_=token, json={"email": "thief@example.com"})
    for answer in (around, await _ask(api, token, other)):
        _refused(answer, 403, "not-in-person" if permissions else "not-allowed")
    after = await api.me(ada)
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
    assert await _sessions(api, ada) == sessions
    assert (await api.call("GET", "/api-keys", as_=ada)).json()["total"] == 0
    await api.log_in("ada")


async def test_of_the_members_permissions_it_has_those_that_were_asked_for(api: Api) -> None:
    _, root = await api.admin()
    user, _ = await api.staff("ada", "users:read", "sessions:read")
    plain, asked = await _impersonate(api, root, user), await _impersonate(api, root, user, "users:read")
    _refused(await api.call("GET", "/users", as_=plain), 403, "not-allowed")
    assert (await api.call("GET", "/users", as_=asked)).status_code == 200
    _refused(await api.call("GET", f"/users/{user['id']}/sessions", as_=asked), 403, "not-in-person")
    _refused(await api.call("GET", "/roles", as_=asked), 403, "not-allowed")
    await api.give(user, "member")
    _refused(await api.call("GET", "/users", as_=asked), 403, "not-allowed")
    assert (await api.me(asked)).status_code == 200


async def test_nobody_asks_for_more_than_the_member_has(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.staff("ada", "users:read")
    for permissions in (["users:update"], ["users:*"], ["*"], ["users:read", "audit:read"]):
        _refused(await _ask(api, root, user, *permissions), 403, "beyond-owners-rights")
    unknown = await _ask(api, root, user, "users:read", "users:fly")
    _refused(unknown, 422, "unknown-permission")
    assert unknown.json()["errors"][0]["pointer"] == "/permissions/1"
    assert len(await _sessions(api, ada)) == 1


# Who may, and whom


async def test_it_needs_the_permission_and_a_sign_in_of_ones_own(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    _, clerk = await api.staff("clerk", "users:read", "users:update")
    for by in (ada, clerk):
        for target in (user, {"id": uuid4()}):
            _refused(await _ask(api, by, target), 403, "not-allowed")
    key = await api.key(root, "*")
    _refused(await _ask(api, Tokens(key["key"], ""), user), 403, "not-in-person")
    answer = await api.call("POST", f"/users/{user['id']}/impersonate", json={})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert len(await _sessions(api, ada)) == 1


async def test_support_acts_for_members_and_not_for_who_may_more(api: Api) -> None:
    boss, _ = await api.admin()
    _, support = await api.staff("support", "users:impersonate")
    user, _ = await api.member("ada")
    reader, _ = await api.staff("reader", "users:read")
    assert (await api.me(await _impersonate(api, support, user))).json()["id"] == user["id"]
    for target in (boss, reader):
        _refused(await _ask(api, support, target), 403, "beyond-your-rights")


async def test_it_is_for_other_members_who_are_there_and_active(api: Api) -> None:
    boss, root = await api.admin()
    user, _ = await api.member("ada")
    _refused(await _ask(api, root, boss), 409, "already-yourself")
    _refused(await _ask(api, root, {"id": uuid4()}), 404, "user-not-found")
    await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
    _refused(await _ask(api, root, user), 409, "account-disabled")
    assert (await _ask(api, root, {"id": "not-an-id"})).status_code == 422


# When it ends


async def test_it_runs_out_after_fifteen_minutes(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    token = await _impersonate(api, root, user)
    api.clock.advance(minutes=15, seconds=-2)
    assert (await api.me(token)).status_code == 200
    api.clock.advance(seconds=2)
    await _over(api, token)
    ada = await api.log_in("ada")
    assert [session["impersonated_by"] for session in await _sessions(api, ada)] == [None, None]


@pytest.mark.parametrize(
    "end", ["logs out", "ends it from elsewhere", "is demoted", "loses the permission", "is disabled", "is deleted"]
)
async def test_it_ends_with_the_administrators_session_and_rights(api: Api, end: str) -> None:
    _, root = await api.admin()
    boss, support = await api.staff("boss", "users:impersonate")
    user, ada = await api.member("ada")
    path = f"/users/{boss['id']}"
    if end == "is demoted":
        await api.give(boss, "admin", "member")
    token = await _impersonate(api, support, user)
    assert (await api.me(token)).status_code == 200
    if end == "logs out":
        answer = await api.call("POST", "/auth/logout", as_=support)
    elif end == "ends it from elsewhere":
        answer = await api.call("DELETE", "/auth/sessions", as_=await api.log_in("boss"))
    elif end == "is demoted":
        answer = await api.call("PUT", f"{path}/roles", as_=root, json={"roles": ["member"]})
    elif end == "loses the permission":
        answer = await api.call("PATCH", "/roles/boss", as_=root, json={"permissions": ["users:read"]})
    elif end == "is disabled":
        answer = await api.call("PATCH", path, as_=root, json={"is_active": False})
    else:
        answer = await api.call("DELETE", path, as_=root)
    assert answer.status_code in (200, 204)
    await _over(api, token)
    assert (await api.me(ada)).status_code == 200
    assert (await api.call("GET", "/auth/sessions", as_=ada)).status_code == 200


@pytest.mark.parametrize("end", ["is disabled", "is deleted", "gets more rights", "is signed out"])
async def test_it_ends_with_the_members_account(api: Api, end: str) -> None:
    _, root = await api.admin()
    _, support = await api.staff("support", "users:impersonate")
    user, _ = await api.member("ada")
    token = await _impersonate(api, support, user)
    path = f"/users/{user['id']}"
    if end == "is disabled":
        await api.call("PATCH", path, as_=root, json={"is_active": False})
    elif end == "is deleted":
        await api.call("DELETE", path, as_=root)
    elif end == "gets more rights":
        await api.give(user, "admin")
    else:
        await api.call("DELETE", f"{path}/sessions", as_=root)
    await _over(api, token)
    assert (await api.me(support)).status_code == 200


@pytest.mark.parametrize("way", ["that one", "all others", "by a new password"])
async def test_the_member_sees_it_and_can_end_it(api: Api, way: str) -> None:
    boss, root = await api.admin()
    user, ada = await api.member("ada")
    token = await _impersonate(api, root, user)
    [own, foreign] = sorted(await _sessions(api, ada), key=lambda session: session["impersonated_by"] or "")
    assert (own["impersonated_by"], foreign["impersonated_by"]) == (None, boss["id"])
    assert (own["is_current"], foreign["is_current"]) == (True, False)
    assert (foreign["address"], foreign["user_agent"]) == (None, None)
    if way == "that one":
        answer = await api.call("DELETE", f"/auth/sessions/{foreign['id']}", as_=ada)
    elif way == "all others":
        answer = await api.call("DELETE", "/auth/sessions", as_=ada)
    else:
        passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
        answer = await api.call("PUT", "/users/me/password", as_=ada, json=passwords)
    assert answer.status_code == 204
    await _over(api, token)
    assert (await api.me(ada)).status_code == 200
    assert (await api.me(root)).status_code == 200


@pytest.mark.parametrize("way", ["revoke", "logout"])
async def test_ending_it_with_its_own_token_ends_nothing_else(api: Api, way: str) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    token, other = await _impersonate(api, root, user), await _impersonate(api, root, user)
    if way == "revoke":
        answer = await api.call("POST", "/auth/revoke", data={"token": token.access_token})
    else:
        answer = await api.call("POST", "/auth/logout", as_=token)
    assert answer.status_code in (200, 204)
    await _over(api, token)
    for alive in (other, ada, root):
        assert (await api.me(alive)).status_code == 200
    for pair in (ada, root):
        assert (await api.refresh(pair.refresh_token)).status_code == 200


# What is told of it


async def test_introspection_tells_who_acts_and_what_they_may(api: Api) -> None:
    boss, root = await api.admin()
    user, _ = await api.staff("ada", "users:read", "sessions:read")
    token = await _impersonate(api, root, user, "users:read", "sessions:read")

    async def introspect() -> Any:
        return (await api.call("POST", "/auth/introspect", as_=root, data={"token": token.access_token})).json()

    found = await introspect()
    assert (found["active"], found["sub"], found["username"]) == (True, user["id"], "ada")
    assert (found["act"], found["scope"]) == ({"sub": boss["id"]}, "sessions:read users:read")
    assert found["exp"] - found["iat"] == 900
    await api.application.access.update_role(OPERATOR, name="ada", permissions=["users:read"])
    assert (await introspect())["scope"] == "users:read"
    await api.call("POST", "/auth/revoke", data={"token": token.access_token})
    assert await introspect() == {"active": False}


async def test_the_trail_names_the_administrator_and_the_member_they_act_for(api: Api) -> None:
    boss, root = await api.admin()
    user, ada = await api.staff("ada", "users:create")
    token = await _impersonate(api, root, user, "users:create")
    [session] = [found for found in await _sessions(api, ada) if found["impersonated_by"]]
    [begun] = await api.trail(root, action="user.impersonated")
    assert (begun["actor"], begun["subject"], begun["item"]) == (boss["id"], user["id"], session["id"])
    assert (begun["impersonating"], begun["fields"]) == (None, ["+users:create"])
    made = await api.call("POST", "/users", as_=token, json={"email": "new@example.com"})
    assert made.status_code == 201
    await api.call("POST", "/auth/logout", as_=token)
    [ended, created] = (await api.trail(root))[:2]
    assert (created["action"], created["subject"]) == ("user.created", made.json()["id"])
    assert (ended["action"], ended["subject"], ended["item"]) == ("session.ended", user["id"], session["id"])
    for entry in (created, ended):
        assert (entry["actor"], entry["impersonating"], entry["api_key_id"]) == (boss["id"], user["id"], None)
    assert await api.trail(root, actor=str(UUID(boss["id"])), action="user.created") == [created]

"""Nobody overrules who may do more than they, and nobody acts on rights that they lost a moment ago."""

from typing import Any
from uuid import UUID

import pytest

from domain.errors import Denied, Unauthenticated
from tests.entrypoints.http.client import Api, Tokens


async def _actor(api: Api, tokens: Tokens) -> Any:
    """As a request that waits for its turn knows its caller."""
    return (await api.application.identity.identify_caller(tokens.access_token)).actor


async def test_helpers_do_not_overrule_administrators(api: Api) -> None:
    root_user, root = await api.admin()
    _, helper = await api.staff("helper", "sessions:*", "api-keys:*", "users:set-roles", "roles:*")
    key = await api.key(root)
    [session] = (await api.call("GET", "/auth/sessions", as_=root)).json()["items"]
    for method, path, body in (
        ("DELETE", f"/users/{root_user['id']}/sessions", None),
        ("DELETE", f"/auth/sessions/{session['id']}", None),
        ("DELETE", f"/api-keys/{key['id']}", None),
        ("PUT", f"/users/{root_user['id']}/roles", {"roles": ["admin"]}),
        ("PATCH", "/roles/admin", {"description": "Harmless."}),
    ):
        answer = await api.call(method, path, as_=helper, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "beyond-your-rights"), path
        assert "*" in answer.json()["detail"]
    assert (await api.me(root)).status_code == 200


async def test_helpers_do_help_members(api: Api) -> None:
    _, helper = await api.staff("helper", "sessions:*", "api-keys:*", "users:set-roles", "roles:*")
    user, ada = await api.member("ada")
    key = await api.key(ada)
    [session] = (await api.call("GET", "/auth/sessions", as_=ada)).json()["items"]
    assert (await api.call("DELETE", f"/api-keys/{key['id']}", as_=helper)).status_code == 204
    assert (await api.call("DELETE", f"/auth/sessions/{session['id']}", as_=helper)).status_code == 204
    assert (await api.call("PUT", f"/users/{user['id']}/roles", as_=helper, json={"roles": []})).status_code == 200


@pytest.mark.parametrize("way", ["demoted", "signed out", "deactivated", "deleted"])
async def test_who_lost_their_rights_while_they_waited_is_refused(api: Api, way: str) -> None:
    user, ada = await api.member("ada")
    other = await api.register("other@example.com")
    await api.admin()
    await api.give(user, "admin")
    actor = await _actor(api, ada)
    match way:
        case "demoted":
            await api.give(user, "member")
        case "signed out":
            await api.call("POST", "/auth/logout", as_=ada)
        case _:
            root = await api.log_in("root")
            method, body = ("PATCH", {"is_active": False}) if way == "deactivated" else ("DELETE", None)
            assert (await api.call(method, f"/users/{user['id']}", as_=root, json=body)).is_success
    identity, access = api.application.identity, api.application.access
    other_id = UUID(other["id"])
    for attempt in (
        lambda: identity.set_roles(actor, user_id=other_id, roles=["admin"]),
        lambda: identity.update_user(actor, user_id=other_id, first_name="X"),
        lambda: identity.delete_user(actor, user_id=other_id),
        lambda: identity.create_user(actor, email="new@example.com", roles=["admin"]),
        lambda: access.create_role(actor, name="helper", permissions=["*"]),
        lambda: access.update_role(actor, name="member", permissions=["*"]),
    ):
        with pytest.raises(Denied if way == "demoted" else Unauthenticated):
            await attempt()


async def test_a_key_that_was_revoked_while_it_waited_is_refused(api: Api) -> None:
    _, root = await api.admin()
    other = await api.register("other@example.com")
    key = await api.key(root, "users:update")
    actor = (await api.application.identity.identify_caller(key["key"])).actor
    await api.call("DELETE", f"/api-keys/{key['id']}", as_=root)
    with pytest.raises(Unauthenticated):
        await api.application.identity.update_user(actor, user_id=UUID(other["id"]), first_name="X")


async def test_who_acts_in_a_members_place_is_refused_with_the_administrator(api: Api) -> None:
    _, root = await api.admin()
    user, _ = await api.staff("staff", "users:update")
    other = await api.register("other@example.com")
    body = {"permissions": ["users:update"]}
    token = (await api.call("POST", f"/users/{user['id']}/impersonate", as_=root, json=body)).json()["access_token"]
    actor = (await api.application.identity.identify_caller(token)).actor
    update_user = api.application.identity.update_user
    assert (await update_user(actor, user_id=UUID(other["id"]), first_name="X")).value.first_name == "X"
    await api.call("POST", "/auth/logout", as_=root)
    with pytest.raises(Unauthenticated):
        await update_user(actor, user_id=UUID(other["id"]), first_name="Y")


async def test_everybody_can_see_what_they_hold(api: Api) -> None:
    _, staff = await api.staff("staff", "users:*")
    listed = (await api.call("GET", "/permissions?page_size=100", as_=staff)).json()["items"]
    assert all(permission["held"] == permission["name"].startswith("users:") for permission in listed)

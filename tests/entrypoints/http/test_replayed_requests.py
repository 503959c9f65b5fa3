"""What one member sends about her own things, sent again by others: nothing comes of it (OWASP API1, API5)."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, Api, Tokens


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    body: Any = None

    async def again(self, api: Api, headers: dict[str, str]) -> httpx.Response:
        return await api.call(self.method, self.path, headers=headers, json=self.body)


@dataclass
class Ada:
    """Her account, two sessions and two keys, and the requests she makes by their ids."""

    user: dict[str, Any]
    tokens: Tokens
    sessions: list[str]
    keys: list[dict[str, Any]]
    requests: list[Sent] = field(init=False)

    def __post_init__(self) -> None:
        path = f"/users/{self.user['id']}"
        self.requests = [
            Sent("GET", path),
            Sent("HEAD", path),
            Sent("GET", f"{path}/sessions"),
            Sent("GET", f"{path}/sessions?page_size=1&cursor="),
            Sent("GET", f"/api-keys?user_id={self.user['id']}"),
            Sent("PATCH", path, {"first_name": "Replayed"}),
            Sent("PATCH", path, {"email": "replayed@example.com", "is_verified": True}),
            Sent("PATCH", path, {"is_active": False}),
            Sent("PUT", f"{path}/roles", {"roles": []}),
            Sent("PUT", f"{path}/roles", {"roles": ["admin", "member"]}),
            Sent("POST", f"{path}/impersonate", {}),
            *(Sent("DELETE", f"/api-keys/{key['id']}") for key in self.keys),
            *(Sent("DELETE", f"/auth/sessions/{session}") for session in self.sessions),
            Sent("DELETE", f"{path}/sessions"),
            Sent("DELETE", path),
        ]


async def _ada(api: Api, name: str = "ada") -> Ada:
    user, tokens = await api.member(name)
    await api.log_in(name)
    sessions = (await api.call("GET", "/auth/sessions", as_=tokens)).json()["items"]
    keys = [await api.key(tokens), await api.key(tokens)]
    current_last = sorted(sessions, key=lambda session: session["is_current"])
    return Ada(user, tokens, [session["id"] for session in current_last], keys)


async def _state(api: Api, root: Tokens, ada: Ada) -> list[Any]:
    """Her account with its ETag, her sessions and keys, and all that the trail holds."""
    path = f"/users/{ada.user['id']}"
    shown = await api.call("GET", path, as_=root)
    lists = [
        (await api.call("GET", url, as_=root)).json()
        for url in (f"{path}/sessions", f"/api-keys?user_id={ada.user['id']}")
    ]
    return [shown.json(), shown.headers["etag"], *lists, await api.trail(root)]


async def _strangers(api: Api) -> dict[str, dict[str, str]]:
    """Callers with nothing to do with her, each by its headers; the time moves while they are made."""
    _, early = await api.member("eve")
    api.clock.advance(minutes=16)
    _, bob = await api.member("bob")
    key = await api.key(bob)
    return {
        "bob": bob.headers,
        "bob's key": {"X-API-Key": key["key"]},
        "bob's key as a bearer token": {"Authorization": f"Bearer {key['key']}"},
        "an expired token": early.headers,
        "nobody": {},
    }


STATUS = {
    "bob": {403, 404},
    "bob's key": {403, 404},
    "bob's key as a bearer token": {403, 404},
    "an expired token": {401},
    "nobody": {401},
}


@pytest.mark.parametrize("roles", [("member",), ("admin", "member")], ids=["a member", "an administrator"])
async def test_her_requests_come_to_nothing_when_others_send_them(api: Api, roles: tuple[str, ...]) -> None:
    """Whoever she is: as an administrator, all of them would work for herself."""
    await api.admin()
    strangers = await _strangers(api)
    root = await api.log_in("root")
    ada = await _ada(api)
    await api.give(ada.user, *roles)
    before = await _state(api, root, ada)
    for request in ada.requests:
        for name, headers in strangers.items():
            answer = await request.again(api, headers)
            assert answer.status_code in STATUS[name], (name, request)
            assert ada.user["id"] not in answer.text.replace(request.path.partition("?")[0], ""), (name, request)
    assert await _state(api, root, ada) == before
    for pair in (ada.tokens, *(Tokens(key["key"], "") for key in ada.keys)):
        assert (await api.me(pair)).status_code == 200
    assert (await api.refresh(ada.tokens.refresh_token)).status_code == 200


async def test_the_same_requests_work_for_who_may(api: Api) -> None:
    """Else the test above would prove nothing: each is sent about a member of its own, so that none spoils another."""
    _, root = await api.admin()
    for place in range(len((await _ada(api)).requests)):
        request = (await _ada(api, f"ada_{place}")).requests[place]
        answer = await request.again(api, root.headers)
        assert answer.status_code in (200, 204), (request, answer.text)


async def test_her_own_paths_show_and_change_the_callers_things_and_never_hers(api: Api) -> None:
    """Paths without an id are about whoever calls."""
    await api.admin()
    strangers = await _strangers(api)
    root = await api.log_in("root")
    ada = await _ada(api)
    before = await _state(api, root, ada)
    for request in (
        Sent("GET", "/users/me"),
        Sent("GET", "/auth/sessions"),
        Sent("GET", "/api-keys"),
        Sent("PATCH", "/users/me", {"first_name": "Replayed"}),
        Sent("PUT", "/users/me/password", {"current_password": "x", "new_password": ANOTHER_PASSWORD}),
        Sent("POST", "/api-keys", {"name": "replayed", "permissions": []}),
        Sent("POST", "/auth/logout"),
    ):
        for name, headers in strangers.items():
            answer = await request.again(api, headers)
            assert ada.user["id"] not in answer.text
            assert "ada@example.com" not in answer.text
            if name in ("an expired token", "nobody"):
                assert answer.status_code == 401, (name, request)
    assert (await _state(api, root, ada))[:4] == before[:4]
    assert await api.trail(root, subject=ada.user["id"]) == [
        entry for entry in before[4] if entry["subject"] == ada.user["id"]
    ]


async def test_what_she_ended_works_for_nobody_who_kept_it(api: Api) -> None:
    """Her own credentials, replayed after she logged out, revoked the key, and after her account is gone."""
    _, root = await api.admin()
    ada = await _ada(api)
    requests = [Sent("GET", "/users/me"), Sent("PATCH", "/users/me", {"first_name": "Replayed"}), *ada.requests]
    await api.call("DELETE", f"/api-keys/{ada.keys[0]['id']}", as_=ada.tokens)
    await api.call("POST", "/auth/logout", as_=ada.tokens)
    before = await _state(api, root, ada)
    kept = [ada.tokens.headers, {"X-API-Key": ada.keys[0]["key"]}]
    for request in requests:
        for headers in kept:
            assert (await request.again(api, headers)).status_code == 401, request
    assert await _state(api, root, ada) == before
    await api.application.identity.delete_user(OPERATOR, user_id=UUID(ada.user["id"]))
    trail = await api.trail(root)
    for request in requests:
        for headers in (*kept, {"X-API-Key": ada.keys[1]["key"]}):
            assert (await request.again(api, headers)).status_code == 401, request
    assert await api.trail(root) == trail

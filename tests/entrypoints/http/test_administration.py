"""Administration of members: create, find, change, delete; pages and cursors; the last administrator."""

import asyncio
import re
import uuid
from typing import Any

import pytest

from tests.entrypoints.http.client import OPERATOR, PASSWORD, Api, Tokens

NOBODY = uuid.uuid4()


async def test_an_administrator_makes_an_account_with_everything(api: Api) -> None:
    _, root = await api.admin()
    answer = await api.call(
        "POST",
        "/users",
        as_=root,
        json={
            "email": "grace@example.com", "password": PASSWORD, "username": "grace", "first_name": "Grace",
            "is_verified": True, "roles": ["admin"],
        },
    )  # fmt: skip
    assert answer.status_code == 201
    user = answer.json()
    assert (user["is_superuser"], user["is_verified"], user["roles"]) == (True, True, ["admin"])
    shown = await api.call("GET", answer.headers["location"].removeprefix("/api/v1"), as_=root)
    assert shown.json() == user
    assert shown.headers["etag"] == answer.headers["etag"]
    await api.log_in("grace")


async def test_an_account_without_a_password_cannot_sign_in(api: Api) -> None:
    _, root = await api.admin()
    assert (await api.call("POST", "/users", as_=root, json={"email": "g@example.com"})).status_code == 201
    answer = await api.call("POST", "/auth/login", data={"username": "g@example.com", "password": PASSWORD})
    assert answer.status_code == 401


ADMINISTRATION: list[tuple[str, str, Any]] = [
    ("GET", "/users", None),
    ("POST", "/users", {"email": "x@example.com"}),
    ("GET", "/users/{id}", None),
    ("PATCH", "/users/{id}", {"first_name": "X"}),
    ("DELETE", "/users/{id}", None),
    ("PUT", "/users/{id}/roles", {"roles": ["admin"]}),
    ("GET", "/users/{id}/sessions", None),
    ("DELETE", "/users/{id}/sessions", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTRATION)
async def test_administration_is_refused_to_members_and_strangers(api: Api, method: str, path: str, body: Any) -> None:
    _, ada = await api.member("ada")
    eve, _ = await api.member("eve")
    for target in (eve["id"], NOBODY):
        url = path.format(id=target)
        answer = await api.call(method, url, as_=ada, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
        assert (await api.call(method, url, json=body)).status_code == 401
    assert (await api.application.identity.show_user(OPERATOR, user_id=uuid.UUID(eve["id"]))).version == 1


@pytest.mark.parametrize(("method", "path", "body"), [row for row in ADMINISTRATION if "{id}" in row[1]])
async def test_who_is_not_there_is_not_found(api: Api, method: str, path: str, body: Any) -> None:
    _, root = await api.admin()
    answer = await api.call(method, path.format(id=NOBODY), as_=root, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "user-not-found")
    answer = await api.call(method, path.format(id="not-an-id"), as_=root, json=body)
    assert answer.status_code == 422


async def test_only_what_may_be_administered_is_changed(api: Api) -> None:
    _, root = await api.admin()
    user = await api.register(username="ada")
    for injected in ({"id": str(NOBODY)}, {"roles": ["admin"]}, {"password_hash": "x"}, {"is_superuser": True}):
        answer = await api.call("PATCH", f"/users/{user['id']}", as_=root, json=injected)
        assert answer.status_code == 422
    for null in ("email", "is_active", "is_verified"):
        answer = await api.call("PATCH", f"/users/{user['id']}", as_=root, json={null: None})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{null}")
    shown = (await api.call("GET", f"/users/{user['id']}", as_=root)).json()
    assert shown == user


async def test_an_unknown_role_is_refused_by_name(api: Api) -> None:
    root_user, root = await api.admin()
    answer = await api.call("PUT", f"/users/{root_user['id']}/roles", as_=root, json={"roles": ["admin", "emperor"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-role")
    assert "emperor" in answer.json()["detail"]


async def test_an_administrator_sees_and_ends_a_members_sessions(api: Api) -> None:
    _, root = await api.admin()
    user, ada = await api.member("ada")
    sessions = (await api.call("GET", f"/users/{user['id']}/sessions", as_=root)).json()
    assert (sessions["total"], sessions["items"][0]["is_current"]) == (1, False)
    assert (await api.call("DELETE", f"/auth/sessions/{sessions['items'][0]['id']}", as_=root)).status_code == 204
    assert (await api.me(ada)).status_code == 401
    again = await api.log_in("ada")
    assert (await api.call("DELETE", f"/users/{user['id']}/sessions", as_=root)).status_code == 204
    assert (await api.me(again)).status_code == 401


# The last administrator


async def test_the_last_active_administrator_stays(api: Api) -> None:
    root_user, root = await api.admin()
    path = f"/users/{root_user['id']}"
    for method, url, body in (
        ("PUT", f"{path}/roles", {"roles": ["member"]}),
        ("PATCH", path, {"is_active": False}),
        ("DELETE", path, None),
        ("DELETE", "/users/me", None),
    ):
        answer = await api.call(method, url, as_=root, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")
    other = await api.register("other@example.com")
    await api.call("PUT", f"/users/{other['id']}/roles", as_=root, json={"roles": ["admin"]})
    assert (await api.call("DELETE", "/users/me", as_=root)).status_code == 204


async def test_two_administrators_who_remove_each_other_leave_one(api: Api) -> None:
    root_user, root = await api.admin()
    other_user, other = await api.member("other")
    await api.call("PUT", f"/users/{other_user['id']}/roles", as_=root, json={"roles": ["admin"]})
    answers = await asyncio.gather(
        api.call("PUT", f"/users/{other_user['id']}/roles", as_=root, json={"roles": []}),
        api.call("PUT", f"/users/{root_user['id']}/roles", as_=other, json={"roles": []}),
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sorted(answer.status_code for answer in answers)[1] in (403, 409)


async def test_of_two_first_administrators_at_once_one_is_made(api: Api) -> None:
    """S39."""
    create = api.application.identity.create_first_admin
    results = await asyncio.gather(
        *(create(OPERATOR, email=f"admin{n}@example.com", password=PASSWORD) for n in range(5)), return_exceptions=True
    )
    refusals = [result for result in results if isinstance(result, Exception)]
    assert len(refusals) == 4
    assert {getattr(refusal, "code", refusal) for refusal in refusals} == {"admin-exists"}


# Lists


async def _club(api: Api) -> Tokens:
    _, root = await api.admin()
    for number in range(12):
        api.clock.advance(seconds=1)
        await api.application.identity.create_user(
            OPERATOR,
            email=f"m{number:02}@example.com",
            username=None if number % 3 == 0 else f"User_{number}",
            first_name=("Ada", "Grace", "Élodie", "Zoé")[number % 4],
            is_verified=number % 2 == 0,
            is_active=number != 11,
        )
    return root


async def _emails(api: Api, root: Tokens, **query: Any) -> list[str]:
    answer = await api.call("GET", "/users", as_=root, params={"page_size": 100, **query})
    assert answer.status_code == 200, answer.text
    return [user["email"] for user in answer.json()["items"]]


async def test_a_numbered_page_counts_and_its_cursor_goes_on(api: Api) -> None:
    root = await _club(api)
    first = (await api.call("GET", "/users", as_=root, params={"page": 1, "page_size": 5})).json()
    assert (first["total"], first["page"], first["page_size"], first["pages"]) == (13, 1, 5, 3)
    assert first["items"][0]["email"] == "m11@example.com"
    second = (await api.call("GET", "/users", as_=root, params={"page": 2, "page_size": 5})).json()
    follow = (await api.call("GET", "/users", as_=root, params={"cursor": first["next_cursor"], "page_size": 5})).json()
    assert follow["items"] == second["items"]
    assert (follow["total"], follow["page"], follow["pages"]) == (None, None, None)
    last = (await api.call("GET", "/users", as_=root, params={"page": 3, "page_size": 5})).json()
    assert (len(last["items"]), last["next_cursor"]) == (3, None)
    beyond = (await api.call("GET", "/users", as_=root, params={"page": 9, "page_size": 5})).json()
    assert (beyond["items"], beyond["total"], beyond["next_cursor"]) == ([], 13, None)


async def test_the_link_header_leads_through_the_whole_list(api: Api) -> None:
    root = await _club(api)
    seen: list[str] = []
    url = "/users?cursor=&page_size=4&sort=email&is_active=true"
    while True:
        answer = await api.call("GET", url, as_=root)
        assert answer.json()["total"] is None
        seen += [user["email"] for user in answer.json()["items"]]
        if "link" not in answer.headers:
            break
        found = re.fullmatch(r'</api/v1(/users\?[^>]+)>; rel="next"', answer.headers["link"])
        assert found
        url = found[1]
    assert seen == await _emails(api, root, sort="email", is_active=True)
    assert len(seen) == 12


async def test_filters_and_search_find_by_what_people_know(api: Api) -> None:
    root = await _club(api)
    assert await _emails(api, root, role="admin") == ["root@example.com"]
    assert await _emails(api, root, is_active=False) == ["m11@example.com"]
    assert len(await _emails(api, root, is_verified=True)) == 7
    assert len(await _emails(api, root, q="élo")) == 3
    assert await _emails(api, root, q="ÉLO M0", sort="email") == ["m02@example.com", "m06@example.com"]
    assert await _emails(api, root, q="user_1", sort="email") == [
        "m01@example.com",
        "m10@example.com",
        "m11@example.com",
    ]
    assert await _emails(api, root, q="lodie") == []
    assert await _emails(api, root, q="%") == []
    assert await _emails(api, root, q="no_such") == []


async def test_every_named_field_sorts_both_ways(api: Api) -> None:
    root = await _club(api)
    for field in ("created_at", "updated_at", "email", "username"):
        up, down = await _emails(api, root, sort=field), await _emails(api, root, sort=f"-{field}")
        assert up == down[::-1]
        assert len(up) == 13


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": 101, "page_size": 100}, "page-too-deep"),
        ({"page": 1, "cursor": ""}, "bad-page"),
        ({"page": 0}, "invalid-input"),
        ({"page_size": 101}, "invalid-input"),
        ({"page_size": 0}, "invalid-input"),
        ({"cursor": "nonsense"}, "bad-cursor"),
        ({"cursor": "WyIxIl0"}, "bad-cursor"),
        ({"sort": "password_hash"}, "bad-sort"),
        ({"sort": "--email"}, "bad-sort"),
        ({"unknown": "x"}, "invalid-input"),
        ({"role": "a\0b"}, "invalid-input"),
        ({"is_active": "perhaps"}, "invalid-input"),
    ],
)
async def test_a_bad_question_is_refused_by_name(api: Api, query: dict[str, Any], code: str) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", "/users", as_=root, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] in {f"/{name}" for name in query}


async def test_a_cursor_is_good_for_its_own_order_alone(api: Api) -> None:
    root = await _club(api)
    cursor = (await api.call("GET", "/users", as_=root, params={"page_size": 2})).json()["next_cursor"]
    answer = await api.call("GET", "/users", as_=root, params={"cursor": cursor, "sort": "email"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-cursor")

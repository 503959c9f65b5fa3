"""Reading and changing oneself: PATCH, ETags, what may not be injected (S18)."""

import pytest

from tests.entrypoints.http.client import Api


async def test_a_patch_changes_only_what_was_sent(api: Api) -> None:
    await api.register(username="ada", first_name="Ada", last_name="Lovelace")
    ada = await api.log_in()
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"last_name": "King"})
    assert answer.status_code == 200
    assert answer.json()["full_name"] == "Ada King"
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"first_name": None, "last_name": None})
    user = answer.json()
    assert (user["first_name"], user["last_name"], user["username"], user["full_name"]) == (None, None, "ada", "ada")
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"username": None})
    assert answer.json()["full_name"] is None


async def test_every_change_moves_the_etag_and_no_change_keeps_it(api: Api) -> None:
    await api.register()
    ada = await api.log_in()
    first = await api.me(ada)
    changed = await api.call("PATCH", "/users/me", as_=ada, json={"first_name": "Ada"})
    assert changed.headers["etag"] != first.headers["etag"]
    assert changed.json()["updated_at"] > first.json()["updated_at"] or api.clock is not None
    same = await api.call("PATCH", "/users/me", as_=ada, json={"first_name": "Ada"})
    nothing = await api.call("PATCH", "/users/me", as_=ada, json={})
    assert changed.headers["etag"] == same.headers["etag"] == nothing.headers["etag"]
    assert (await api.me(ada)).headers["etag"] == changed.headers["etag"]


async def test_if_match_guards_a_change(api: Api) -> None:
    await api.register()
    ada = await api.log_in()
    etag = (await api.me(ada)).headers["etag"]

    async def rename(to: str, if_match: str) -> int:
        answer = await api.call(
            "PATCH", "/users/me", as_=ada, json={"first_name": to}, headers={"If-Match": if_match.encode("latin-1")}
        )
        return answer.status_code

    assert await rename("One", etag) == 200
    for stale in (etag, f"W/{etag}", '"999"', "nonsense", '""', '"01"', '"²"', '"' + "9" * 30 + '"'):
        assert await rename("Two", stale) == 412
    assert await rename("Three", "*") == 200
    current = (await api.me(ada)).headers["etag"]
    assert await rename("Four", f'"999", {current}') == 200
    answer = await api.call("DELETE", "/users/me", as_=ada, headers={"If-Match": current})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale-version")


@pytest.mark.parametrize(
    "injected",
    [
        {"id": "00000000-0000-7000-8000-000000000000"},
        {"roles": ["admin"]},
        {"is_superuser": True},
        {"is_verified": True},
        {"is_active": False},
        {"email": "other@example.com"},
        {"password_hash": "x"},
        {"version": 9},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"__class__": {}},
    ],
)
async def test_what_is_not_mine_to_set_is_refused_and_nothing_changes(api: Api, injected: dict[str, object]) -> None:
    _, ada = await api.member("ada")
    before = (await api.me(ada)).json()
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"first_name": "Ada", **injected})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert (await api.me(ada)).json() == before
    if "email" not in injected:
        answer = await api.call(
            "POST",
            "/auth/register",
            json={"email": "eve@example.com", "password": "violet-anchor-42-lamp", **injected},
        )
        assert answer.status_code == 422
        assert (
            await api.call("POST", "/auth/login", data={"username": "eve@example.com", "password": "x"})
        ).status_code == 401


async def test_somebody_elses_username_is_a_conflict_and_ones_own_in_another_case_is_not(api: Api) -> None:
    _, ada = await api.member("ada")
    await api.member("eve")
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"username": "EVE"})
    assert (answer.status_code, answer.json()["code"]) == (409, "username-taken")
    answer = await api.call("PATCH", "/users/me", as_=ada, json={"username": "ADA"})
    assert answer.json()["username"] == "ADA"


async def test_a_deleted_account_leaves_its_names_free(api: Api) -> None:
    _, ada = await api.member("ada")
    assert (await api.call("DELETE", "/users/me", as_=ada)).status_code == 204
    await api.member("ada")


async def test_without_a_token_one_is_told_to_sign_in(api: Api) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = await api.call("GET", "/users/me", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
        assert answer.headers["www-authenticate"] == "Bearer"

"""What members take along: everything that is kept about them, and nothing of anybody else's."""

import json

from application.paging import LARGEST_PAGE
from tests.entrypoints.http.client import Api


async def test_it_holds_what_there_is_of_the_member(api: Api) -> None:
    user, ada = await api.member()
    key = await api.key(ada)
    answer = await api.call("GET", "/users/me/export", as_=ada)
    data = answer.json()
    assert data["user"] == (await api.me(ada)).json()
    sessions = (await api.call("GET", "/auth/sessions", as_=ada)).json()["items"]
    assert [session["id"] for session in data["sessions"]] == [session["id"] for session in sessions]
    assert [found["name"] for found in data["api_keys"]] == ["nightly report"]
    assert {entry["actor"] for entry in data["audit"]} == {user["id"]}
    assert "api-key.created" in {entry["action"] for entry in data["audit"]}
    assert key["key"] not in answer.text


async def test_it_holds_nothing_of_others(api: Api) -> None:
    _, ada = await api.member()
    user, bob = await api.member("bob")
    await api.key(bob)
    data = (await api.call("GET", "/users/me/export", as_=ada)).text
    assert user["id"] not in data
    assert "bob" not in data


async def test_it_is_kept_by_no_cache_and_saved_as_a_file(api: Api) -> None:
    _, ada = await api.member()
    answer = await api.call("GET", "/users/me/export", as_=ada)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["content-type"] == "application/json"


async def test_lists_are_whole_however_long(api: Api) -> None:
    _, ada = await api.member()
    changes = LARGEST_PAGE + 3
    for number in range(changes):
        await api.call("PATCH", "/users/me", as_=ada, json={"first_name": f"Ada {number}"})
    data = (await api.call("GET", "/users/me/export", as_=ada)).json()
    ids = [entry["id"] for entry in data["audit"] if entry["action"] == "user.updated"]
    assert len(ids) == len(set(ids)) == changes


async def test_an_api_key_and_who_acts_in_their_place_do_not_get_it(api: Api) -> None:
    user, ada = await api.member()
    key = (await api.key(ada))["key"]
    _, root = await api.admin()
    acting = (await api.call("POST", f"/users/{user['id']}/impersonate", as_=root)).json()["access_token"]
    for credential in (key, acting):
        answer = await api.call("GET", "/users/me/export", headers={"Authorization": f"Bearer {credential}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not-in-person")


async def test_it_is_good_json_with_hostile_names_in_it(api: Api) -> None:
    name = '"},\\"</script>\u202e🦊'
    await api.register(first_name=name)
    ada = await api.log_in()
    answer = await api.call("GET", "/users/me/export", as_=ada)
    assert json.loads(answer.text)["user"]["first_name"] == name

"""`GET /users.csv`: all members as a file."""

import csv
import io
from contextlib import aclosing
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.spreadsheets import restored
from entrypoints.users_csv import COLUMNS
from tests.entrypoints.http.client import OPERATOR, Api


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def test_it_holds_what_the_list_shows(api: Api) -> None:
    _, root = await api.admin()
    await api.register(first_name="=1+1", last_name='Ké, "Lady"\u202e')
    await api.register("+bob@example.com", username="bob")
    listed = {user["id"]: user for user in (await api.call("GET", "/users", as_=root)).json()["items"]}
    found = rows(await api.call("GET", "/users.csv", as_=root))
    assert [row["id"] for row in found] == sorted(listed)
    for row in found:
        user = listed[row["id"]]
        assert {name: restored(row[name]) or None for name in ("email", "username", "first_name", "last_name")} == {
            name: user[name] for name in ("email", "username", "first_name", "last_name")
        }
        assert (row["roles"].split(), row["is_active"], row["is_verified"]) == (
            user["roles"], str(user["is_active"]).lower(), str(user["is_verified"]).lower(),
        )  # fmt: skip
        times = ("created_at", "updated_at", "last_login_at")
        assert [row[name] or None for name in times] == [user[name] for name in times]


async def test_it_is_saved_as_a_file_and_kept_by_no_cache(api: Api) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", "/users.csv", as_=root)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="users.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(",".join(COLUMNS).encode() + b"\r\n")
    assert "$2b$" not in answer.text


async def test_the_filters_are_those_of_the_list(api: Api) -> None:
    _, root = await api.admin()
    user = await api.register(first_name="Augusta")
    await api.register("bob@example.com")
    await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_verified": True, "is_active": False})
    queries: list[dict[str, Any]] = [
        {"role": "admin"}, {"is_active": "false"}, {"is_verified": "true"}, {"q": "augu"}, {"q": "nobody"},
        {"role": "member", "is_active": "true", "q": "bob"}, {"q": " "},
    ]  # fmt: skip
    for query in queries:
        listed = (await api.call("GET", "/users", as_=root, params=query)).json()["items"]
        found = rows(await api.call("GET", "/users.csv", as_=root, params=query))
        assert {row["id"] for row in found} == {user["id"] for user in listed}, query


@pytest.mark.parametrize("query", ["page=1", "page_size=5", "cursor=", "sort=email", "role=a&role=b", "is_active=x"])
async def test_what_is_no_filter_is_refused(api: Api, query: str) -> None:
    _, root = await api.admin()
    answer = await api.call("GET", f"/users.csv?{query}", as_=root)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_it_needs_a_permission_of_its_own(api: Api) -> None:
    _, reader = await api.staff("reader", "users:read")
    _, exporter = await api.staff("exporter", "users:export")
    assert (await api.call("GET", "/users.csv")).status_code == 401
    answer = await api.call("GET", "/users.csv", as_=reader)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert len(rows(await api.call("GET", "/users.csv", as_=exporter))) == 2


async def test_the_trail_tells_who_took_which_part_out_but_not_what_they_looked_for(api: Api) -> None:
    user, root = await api.admin()
    await api.call("GET", "/users.csv", as_=root, params={"q": "augusta", "is_active": "true"})
    entry, *_ = await api.trail(root)
    assert (entry["action"], entry["actor"], entry["subject"]) == ("users.exported", user["id"], None)
    assert set(entry["fields"]) == {"is_active", "q"}


async def test_a_head_is_answered_without_reading_or_recording_anything(api: Api) -> None:
    _, root = await api.admin()
    before = await api.trail(root)
    answer = await api.call("HEAD", "/users.csv", as_=root)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-disposition"] == 'attachment; filename="users.csv"'
    assert (await api.call("HEAD", "/users.csv")).status_code == 401
    assert await api.trail(root) == before


async def test_a_third_export_at_once_is_asked_to_come_again(api: Api) -> None:
    _, root = await api.admin()
    export = api.application.identity.export_users
    one, other = await export(OPERATOR), await export(OPERATOR)
    async with aclosing(one), aclosing(other):
        assert [UUID(str(user.id)) for user in await anext(one)] == [user.id for user in await anext(other)]
        answer = await api.call("GET", "/users.csv", as_=root)
        assert (answer.status_code, answer.json()["code"]) == (503, "exports-busy")
        assert answer.headers["retry-after"] == "10"
        assert (await api.call("GET", "/users", as_=root)).status_code == 200
    assert (await api.call("GET", "/users.csv", as_=root)).status_code == 200

"""`/testing/*`, which only the server in memory has."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from entrypoints.http.app import create_app
from tests.entrypoints.testing.conftest import SETTINGS

PASSWORD = "copper-meadow-63-tide"
API = "/api/v1"


async def post(client: httpx.AsyncClient, what: str, **body: Any) -> httpx.Response:
    return await client.post(f"/testing/{what}", json=body or None)


async def headers_of(client: httpx.AsyncClient, user: str = "ada") -> dict[str, str]:
    answer = await post(client, "token", user=user)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_mail_is_there_once_it_is_asked_for(client: httpx.AsyncClient) -> None:
    assert (await client.get("/testing/mail")).json() == []
    for email in ("bob@example.com", "eve@example.com"):
        await client.post(f"{API}/auth/register", json={"email": email, "password": PASSWORD})
    mails = (await client.get("/testing/mail")).json()
    assert {mail["to"] for mail in mails} == {"bob@example.com", "eve@example.com"}
    (mail,) = (await client.get("/testing/mail", params={"to": "Bob@example.com"})).json()
    assert mail["subject"]
    assert mail["html"].startswith("<!DOCTYPE html>")
    assert mail["links"][0] in mail["text"]
    token = mail["links"][0].partition("?token=")[2]
    assert (await client.post(f"{API}/auth/verify-email", json={"token": token})).status_code == 204


async def test_the_clock_is_moved(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client)
    assert (await client.get(f"{API}/users/me", headers=headers)).status_code == 200
    assert (await post(client, "clock", advance=901)).status_code == 204
    assert (await client.get(f"{API}/users/me", headers=headers)).status_code == 401


async def test_the_clock_is_stopped_and_goes_on(client: httpx.AsyncClient) -> None:
    async def now() -> str:
        made = await client.post(f"{API}/posts", json={"title": "Now"}, headers=await headers_of(client))
        moment: str = made.json()["created_at"]
        return moment

    assert (await post(client, "clock", freeze="2030-01-01T00:00:00Z")).status_code == 204
    assert [await now(), await now()] == ["2030-01-01T00:00:00Z"] * 2
    assert (await client.post("/testing/clock", json={"freeze": None})).status_code == 204
    first, second = await now(), await now()
    assert "2030-01-01T00:00:00" < first < second < "2030-01-01T00:05:00"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": 1, "freeze": None},
        {"advance": None},
        {"advance": "soon"},
        {"advance": 1e300},
        {"advance": 86_400 * 366 * 90 * 90},
        {"freeze": "yesterday"},
        {"freeze": "1969-12-31T23:59:59Z"},
        {"set": 1},
    ],
)
async def test_what_is_no_time_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post("/testing/clock", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_draining_does_what_is_due_and_does_not_wait_for_the_next_attempt(client: httpx.AsyncClient) -> None:
    async def register(name: str) -> None:
        await client.post(f"{API}/auth/register", json={"email": f"{name}@example.com", "password": PASSWORD})

    await post(client, "fail", port="mailer", how="fail")
    await register("bob")
    assert (await post(client, "drain")).status_code == 204
    await register("eve")
    assert [mail["to"] for mail in (await client.get("/testing/mail")).json()] == ["eve@example.com"]
    await post(client, "clock", advance=3600)
    assert len((await client.get("/testing/mail")).json()) == 2


async def test_a_reset_begins_anew(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client)
    await client.post(f"{API}/auth/register", json={"email": "bob@example.com", "password": PASSWORD})
    await post(client, "clock", advance=86_400)
    await post(client, "fail", port="database", how="fail", times=100)
    assert (await post(client, "reset")).status_code == 204
    assert (await client.get("/testing/mail")).json() == []
    assert (await client.get(f"{API}/users/me", headers=headers)).status_code == 401
    assert (await post(client, "token", user="bob@example.com")).status_code == 404
    me = (await client.get(f"{API}/users/me", headers=await headers_of(client))).json()
    assert me["username"] == "ada"


async def test_resets_at_once_leave_one_house(client: httpx.AsyncClient) -> None:
    import asyncio

    answers = await asyncio.gather(*(post(client, "reset") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {204}
    await headers_of(client)


async def test_a_token_is_for_whom_it_is_asked(client: httpx.AsyncClient) -> None:
    answer = await post(client, "token", user="ada@example.com")
    assert answer.json().keys() >= {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (await post(client, "token", user="nobody")).json()["code"] == "user-not-found"
    assert (await client.post("/testing/token", json={})).status_code == 422


async def test_a_port_fails_and_is_well_again(client: httpx.AsyncClient) -> None:
    assert (await post(client, "fail", port="database", how="fail", times=2)).status_code == 204
    for _ in range(2):
        answer = await client.get(f"{API}/products")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["code"] == "database-unavailable"
    assert (await client.get(f"{API}/products")).status_code == 200


async def test_an_answer_that_is_lost_can_be_asked_for_again(client: httpx.AsyncClient) -> None:
    """What a client does that repeats a request with the same key."""
    headers = {**await headers_of(client), "Idempotency-Key": "one"}
    await post(client, "fail", port="transactions", how="late")
    assert (await client.post(f"{API}/posts", json={"title": "Once"}, headers=headers)).status_code == 503
    again = await client.post(f"{API}/posts", json={"title": "Once"}, headers=headers)
    assert again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert (await client.get(f"{API}/posts?page=1", headers=headers)).json()["total"] == 0
    mine = await client.get(f"{API}/users/{again.json()['author']['id']}/posts", headers=headers)
    assert mine.json()["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"port": "printer", "how": "fail"},
        {"port": "mailer", "how": "burn"},
        {"port": "mailer"},
        {"port": "mailer", "how": "fail", "times": -1},
        {"port": "mailer", "how": "slow", "seconds": 1e9},
    ],
)
async def test_a_fault_that_is_not_understood_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post("/testing/fail", json=body)).status_code == 422


async def test_the_routes_are_in_the_description_of_this_server_alone(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    assert {path for path in described if path.startswith("/testing")} == {
        f"/testing/{what}" for what in ("mail", "clock", "drain", "reset", "token", "fail")
    }
    assert not any(path.startswith("/testing") for path in _paths(create_app(SETTINGS)))
    assert not any(path.startswith("/testing") for path in _paths(create_app(SETTINGS, in_memory=True)))


def _paths(app: FastAPI) -> list[str]:
    return [getattr(route, "path", "") for route in app.routes]

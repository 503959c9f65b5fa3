"""More than can be done: some are refused at once, the others are answered (S10)."""

import asyncio
import logging
from collections import Counter
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from entrypoints.http import middleware
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import PASSWORD
from tests.entrypoints.http.metrics import read, value

ORIGIN = "https://club.example"
MOST = 5
CLIENTS = 40


async def test_beyond_the_bound_requests_are_refused_and_the_others_are_answered() -> None:
    app = create_app(Settings(bcrypt_cost=4, max_in_flight=MOST, cors_origins=[ORIGIN]), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:

        async def register(n: int) -> httpx.Response:
            body = {"email": f"m{n}@example.com", "password": PASSWORD}
            return await client.post("/api/v1/auth/register", json=body, headers={"Origin": ORIGIN})

        began = [asyncio.create_task(register(n)) for n in range(CLIENTS)]
        await asyncio.sleep(0)
        for path in ("/health", "/metrics"):
            assert (await client.get(path)).status_code == 200
        answers = await asyncio.gather(*began)
        found = Counter(answer.status_code for answer in answers)
        assert found == {201: MOST, 503: CLIENTS - MOST}
        for refused in (answer for answer in answers if answer.status_code == 503):
            assert refused.json()["code"] == "overloaded"
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"] == "1"
            assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert (await register(CLIENTS)).status_code == 201
        assert value(read((await client.get("/metrics")).text), "moothall_http_requests_in_flight") == 0


async def test_a_request_that_fails_or_goes_away_makes_room() -> None:
    app = create_app(Settings(max_in_flight=1), in_memory=True)

    async def fail() -> None:
        raise ZeroDivisionError

    hangs = asyncio.Event()

    async def hang() -> None:
        hangs.set()
        await asyncio.Event().wait()

    app.add_api_route("/fail", fail)
    app.add_api_route("/hang", hang)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/fail")).status_code == 500
        hanging = asyncio.create_task(client.get("/hang"))
        await hangs.wait()
        assert (await client.get("/api/v1/users/me")).status_code == 503
        hanging.cancel()
        await asyncio.wait([hanging])
        assert (await client.get("/api/v1/users/me")).status_code == 401


async def test_where_no_more_passwords_can_be_hashed_a_sign_in_is_refused_unread() -> None:
    app = create_app(Settings(bcrypt_cost=10), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        application = app.state.application
        hasher = application.identity.log_in.hasher
        hashing = []
        while not application.load.hashing.usage().is_full:
            hashing.append(asyncio.create_task(hasher.hash(PASSWORD)))
            await asyncio.sleep(0)
        for path in ("/api/v1/auth/login", "/api/v1/auth/register"):
            refused = await client.post(path, content=b"\0")
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        for waiting in hashing:
            waiting.cancel()
        await asyncio.wait(hashing)
        assert (await client.post("/api/v1/auth/login", content=b"\0")).status_code == 415


SCOPE = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
         "root_path": "", "path": "/api/v1/auth/login", "raw_path": b"", "query_string": b"",
         "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
         "headers": [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"50")]}  # fmt: skip


async def test_a_body_that_does_not_come_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_WITHIN", 0.05)
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": b"username=", "more_body": True}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    app = create_app(Settings(max_in_flight=1), in_memory=True)
    async with LifespanManager(app):
        await app({**SCOPE, "state": {}}, receive, send)
        assert app.state.metrics.in_flight == 0
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"body-too-slow" in sent[1]["body"]


async def test_a_client_that_goes_away_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    app = create_app(Settings(max_in_flight=1), in_memory=True)
    async with LifespanManager(app):
        await app({**SCOPE, "state": {}}, receive, send)
        told, _ = await app.state.metrics.exposed("")
    assert b'route="/api/v1/auth/login",status="none"' in told
    assert not [record for record in caplog.records if record.levelno > logging.INFO]

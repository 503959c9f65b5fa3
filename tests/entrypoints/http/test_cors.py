"""Front-ends on other origins: those that are named may ask, others may not."""

import httpx
import pytest
from asgi_lifespan import LifespanManager

from entrypoints.http.app import create_app
from entrypoints.settings import Settings

ASK = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, if-match"}


@pytest.mark.parametrize(
    ("configured", "origin", "allowed"),
    [
        (["https://club.example"], "https://club.example", True),
        (["https://club.example"], "https://club.example.evil.example", False),
        (["https://club.example"], "null", False),
        ([], "https://club.example", False),
    ],
)
async def test_only_named_origins_may_read_answers(configured: list[str], origin: str, allowed: bool) -> None:
    app = create_app(Settings(cors_origins=configured), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        asked = await client.options("/api/v1/users/me", headers={"Origin": origin, **ASK})
        answer = await client.get("/api/v1/users/me", headers={"Origin": origin})
    assert (asked.headers.get("access-control-allow-origin") == origin) is allowed
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    assert answer.headers["x-request-id"]
    if allowed:
        assert "etag" in answer.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/api/v1/users/me", b"", 401),
        ("GET", "/no/such/path", b"", 404),
        ("DELETE", "/health", b"", 405),
        ("POST", "/api/v1/auth/register", b" " * 20_000, 413),
        ("POST", "/api/v1/auth/register", b"{}", 422),
        ("GET", "/fail", b"", 500),
    ],
)
async def test_named_origins_may_read_errors_too(method: str, path: str, sent: bytes, status: int) -> None:
    app = create_app(Settings(cors_origins=["https://club.example"], max_body_size=16_384), in_memory=True)

    async def fail() -> None:
        raise ZeroDivisionError

    app.add_api_route("/fail", fail)
    headers = {"Origin": "https://club.example", "Content-Type": "application/json"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.request(method, path, content=sent, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "https://club.example"
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert answer.headers["vary"] == "Origin"


async def test_caches_are_told_that_the_origin_matters_even_where_none_came() -> None:
    app = create_app(Settings(cors_origins=["https://club.example"]), in_memory=True)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client,
    ):
        answer = await client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"].startswith("public")
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_is_answered_with_what_is_allowed_and_no_credentials() -> None:
    """Sessions are in headers that a script sets: a browser has nothing to send along by itself."""
    app = create_app(Settings(cors_origins=["https://club.example"]), in_memory=True)
    ask = {"Origin": "https://club.example", **ASK}
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client,
    ):
        allowed = await client.options("/api/v1/users/me", headers=ask)
        head = await client.options("/api/v1/users/me", headers={**ask, "Access-Control-Request-Method": "HEAD"})
        odd = await client.options("/api/v1/users/me", headers={**ask, "Access-Control-Request-Headers": "x-odd"})
    assert (allowed.status_code, head.status_code, odd.status_code) == (200, 200, 400)
    assert "access-control-allow-credentials" not in allowed.headers
    assert "Origin" in allowed.headers["vary"]
    assert allowed.headers["x-request-id"]

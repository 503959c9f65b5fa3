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

"""What every answer tells browsers."""

import re

import httpx
import pytest
from asgi_lifespan import LifespanManager
from starlette.routing import Route

from entrypoints.http.app import create_app
from entrypoints.http.docs import ASSETS
from entrypoints.settings import Settings
from tests.entrypoints.http.client import Api

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
NOTHING_IN_IT = "default-src 'none'; frame-ancestors 'none'"


def _requests() -> list[tuple[str, str]]:
    routes = create_app(Settings(), in_memory=True).routes
    found = [
        (method, re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", route.path))
        for route in routes
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
    ]
    return [
        *found,
        ("GET", "/no/such/path"),
        ("PATCH", "/health"),
        *(("GET", f"/docs/assets/{name}") for name in ASSETS),
    ]


@pytest.mark.parametrize("store_name", ["memory"])
async def test_every_route_answers_with_them(api: Api, store_name: str) -> None:
    requests = _requests()
    assert len(requests) > 50
    for method, path in requests:
        answer = await api.http.request(method, path)
        headers = answer.headers
        told = f"{method} {path}: {answer.status_code} {headers}"
        assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, told
        for name in (*ALWAYS, "content-security-policy", "cache-control"):
            assert len(headers.get_list(name)) == 1, f"{name} of {told}"
        assert "default-src 'none'" in headers["content-security-policy"], told
        assert "frame-ancestors 'none'" in headers["content-security-policy"], told
        if path.startswith("/api/") or answer.status_code >= 400:
            assert headers["content-security-policy"] == NOTHING_IN_IT or "text/html" in headers["content-type"], told
            assert headers["cache-control"] in ("no-store", "private, no-cache", "public, no-cache"), told
        assert "strict-transport-security" not in headers, told


@pytest.mark.parametrize("store_name", ["memory"])
async def test_what_is_answered_to_a_member_is_kept_by_nobody_else(api: Api, store_name: str) -> None:
    _, ada = await api.member()
    for path in ("/users/me", "/auth/sessions", "/api-keys", "/jobs"):
        answer = await api.call("GET", path, as_=ada)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")


@pytest.mark.parametrize(("url", "told"), [("https://club.example", True), ("http://club.example", False)])
async def test_browsers_are_told_to_stay_with_https_where_that_is_the_public_url(url: str, told: bool) -> None:
    app = create_app(Settings.model_validate({"public_url": url}), in_memory=True)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.get("/health")
    assert answer.headers.get("strict-transport-security") == ("max-age=31536000" if told else None)

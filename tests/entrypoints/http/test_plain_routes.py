"""Routes without parameters answer as FastAPI would let them answer, which takes longer."""

from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute, request_response

from entrypoints.http.app import create_app
from entrypoints.http.plain import is_plain
from entrypoints.http.routing import StrictRoute
from entrypoints.settings import Settings
from tests.entrypoints.http.client import PASSWORD
from tests.limits import UNLIMITED

PLAIN = {
    "show_me",
    "export_me",
    "show_my_profile",
    "show_dashboard",
    "show_preferences",
    "read_all_notifications",
    "log_out",
    "open_ticket",
    "end_my_other_sessions",
    "health",
    "ready",
}


def plain_routes(app: FastAPI) -> list[StrictRoute]:
    return [route for route in app.routes if isinstance(route, StrictRoute) and is_plain(route.dependant)]


async def answers(app: FastAPI) -> list[tuple[Any, ...]]:
    """Of each such route: to a stranger, to a member, to who sends too much, to who sends what is no token."""
    found = []
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        user = {"email": "ada@example.com", "password": PASSWORD}
        await client.post("/api/v1/auth/register", json=user)
        for route in plain_routes(app):
            form = {"username": user["email"], "password": PASSWORD}
            token = (await client.post("/api/v1/auth/login", data=form)).json()["access_token"]
            for query, headers in (
                ("", {}),
                ("?page=1", {}),
                ("", {"Authorization": "Bearer x", "X-API-Key": "y"}),
                ("", {"Authorization": "Bearer x"}),
                ("", {"Authorization": f"Bearer {token}"}),
            ):
                method = min(route.methods)
                answer = await client.request(method, f"{route.path}{query}", headers=headers)
                body = without_varying(answer.json()) if answer.content else None
                headers = without_varying(dict(answer.headers))
                found.append((method, route.path, query, answer.status_code, headers, body))
    return found


def without_varying(found: Any) -> Any:
    if isinstance(found, list):
        return [without_varying(item) for item in found]
    if isinstance(found, dict):
        return {name: without_varying(value) for name, value in found.items() if name not in VARYING}
    return found


VARYING = {"x-request-id", "x-process-time", "server-timing", "ratelimit", "content-length", "request_id", "id",
           "created_at", "updated_at", "last_login_at", "etag", "exported_at", "last_used_at", "expires_at", "at",
           "actor", "user_id", "subject", "item", "proof", "ticket"}  # fmt: skip


async def test_they_answer_as_they_would_through_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(bcrypt_cost=4, **UNLIMITED)
    plainly = await answers(create_app(settings, in_memory=True))
    app = create_app(settings, in_memory=True)
    for route in plain_routes(app):
        monkeypatch.setattr(route, "app", request_response(route.get_route_handler()))
    assert plainly == await answers(app)
    assert {status for _, _, _, status, _, _ in plainly} == {200, 204, 401, 422}


def test_what_has_no_parameters_is_plain() -> None:
    app = create_app(Settings(), in_memory=True)
    assert {route.name for route in plain_routes(app)} == PLAIN


async def test_what_two_depend_on_is_called_once() -> None:
    calls = []

    async def shared(request: Request) -> str:
        calls.append(request)
        return "shared"

    async def through(text: str = Depends(shared)) -> str:
        return text

    async def endpoint(text: str = Depends(shared), same: str = Depends(through)) -> Response:
        return Response(text + same)

    app = FastAPI()
    app.router.routes.append(StrictRoute("/", endpoint))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        assert (await client.get("/")).text == "sharedshared"
    assert len(calls) == 1


@pytest.mark.parametrize("path", ["/{name}", "/threaded", "/queried"])
def test_what_has_parameters_or_needs_a_thread_is_not_plain(path: str) -> None:
    async def named(name: str) -> Response:
        return Response(name)

    def threaded() -> Response:
        return Response()

    async def queried(q: int = 1) -> Response:
        return Response(str(q))

    endpoint = {"/{name}": named, "/threaded": threaded, "/queried": queried}[path]
    assert not is_plain(APIRoute(path, endpoint).dependant)

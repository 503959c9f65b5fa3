"""Where the time of `GET /users/me` goes: `python -m tests.benchmarks.microseconds`.

One process, no sockets, the store in memory: each part is timed alone, again and again, and the shortest time counts. A
layer is what it takes with everything inside, less what that takes.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import uvicorn
from asgi_lifespan import LifespanManager
from fastapi import FastAPI, Request
from uvicorn.server import ServerState

from domain.access.actor import Origin
from entrypoints.http.app import create_app
from entrypoints.http.connections import OrderlyProtocol
from entrypoints.http.resources import resource
from entrypoints.http.security import Credentials
from entrypoints.settings import Settings
from tests.limits import UNLIMITED

ROUNDS = 30
TIMES = 500
PASSWORD = "violet-anchor-42-lamp"
PATH = "/api/v1/users/me"


async def main() -> None:
    with TemporaryDirectory() as folder:
        settings = Settings(
            bcrypt_cost=4,
            data_dir=Path(folder),
            log_level="warning",
            **{**UNLIMITED, "rate_limit_default": "1000000/minute"},
        )
        app = create_app(settings, in_memory=True, jobs=False)
        async with LifespanManager(app):
            for name, microseconds in await _parts(app, await _token(app)):
                print(f"{name:<62} {microseconds:7.1f}")


async def _token(app: FastAPI) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
        await client.post("/api/v1/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
        form = {"username": "ada@example.com", "password": PASSWORD}
        return str((await client.post("/api/v1/auth/login", data=form)).json()["access_token"])


async def _parts(app: FastAPI, token: str) -> list[tuple[str, float]]:
    headers = [(b"host", b"bench"), (b"user-agent", b"wrk"), (b"authorization", f"Bearer {token}".encode())]
    bare = {"type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "scheme": "http", "method": "GET",
            "path": PATH, "raw_path": PATH.encode(), "root_path": "", "query_string": b"", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}  # fmt: skip

    def scope() -> dict[str, Any]:
        return {**bare, "state": {"request_id": "r"}, "app": app}

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask(layer: Any) -> None:
        sent.clear()
        await layer(scope(), receive, send)

    application = app.state.application
    credentials = Credentials()
    caller = await credentials(Request(scope(), receive))

    async def identify() -> None:
        await application.identity.identify_caller(token, origin=Origin("127.0.0.1", "wrk", "r"))

    async def answer() -> None:
        resource(caller.account)

    async def nothing() -> None:
        scope()

    protocol = _Connection(app)
    wire = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nUser-Agent: wrk\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    found = {
        "scope": await _shortest(nothing),
        "identify": await _shortest(identify),
        "credentials": await _shortest(lambda: credentials(Request(scope(), receive))),
        "answer": await _shortest(answer),
        "app": await _shortest(lambda: ask(app)),
        "server": await _shortest(lambda: protocol.ask(wire)),
    }
    assert sent[0]["status"] == 200, sent
    credentials_alone = found["credentials"] - found["scope"]
    return [
        ("who is calling: token by its digest, session as remembered", found["identify"]),
        ("credentials and origin from the headers, the general limit", credentials_alone - found["identify"]),
        ("the view as JSON, in an answer with its headers", found["answer"]),
        ("routing, dependencies, middleware", found["app"] - found["scope"] - credentials_alone - found["answer"]),
        ("= the application", found["app"] - found["scope"]),
        ("uvicorn: parsing, a task, writing", found["server"] - found["app"] + found["scope"]),
        ("= the server, without sockets", found["server"]),
    ]


async def _shortest(work: Callable[[], Awaitable[object]]) -> float:
    """Microseconds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(TIMES):
            await work()
        best = min(best, (time.perf_counter() - began) / TIMES)
    return best * 1e6


class _Connection(asyncio.Transport):
    """A client without a socket, connected to uvicorn's protocol."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 80)})
        config = uvicorn.Config(app, http=OrderlyProtocol, log_config=None, access_log=False, lifespan="off")
        config.load()
        self._answered = asyncio.Event()
        self._protocol = OrderlyProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        self._protocol.connection_made(self)  # type: ignore[arg-type]
        self._protocol.access_log = False

    async def ask(self, request: bytes) -> None:
        self._answered.clear()
        self._protocol.data_received(request)
        await self._answered.wait()

    def write(self, data: Any) -> None:
        assert b" 200 " in data[:20] or not data.startswith(b"HTTP"), data
        self._answered.set()

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def close(self) -> None:
        pass


if __name__ == "__main__":
    if sys.platform == "linux":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())

"""Milliseconds, as JSON: the application in memory opened and closed, and the first steps of a member through HTTP.

Both in this process and with cheap hashes; medians.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from asgi_lifespan import LifespanManager

from entrypoints.bootstrap import open_application
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.limits import UNLIMITED

_TIMES = 30
_PASSWORD = "correct horse battery staple, in process"
_API = "/api/v1"


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(bcrypt_cost=4, data_dir=Path(directory), **UNLIMITED)
        opened = [await _open_and_close(settings) for _ in range(_TIMES)]
        app = create_app(settings, in_memory=True)
        transport = httpx.ASGITransport(app)
        async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            walked = [await _first_steps(client, number) for number in range(_TIMES)]
    print(json.dumps({"application_ms": statistics.median(opened), "first_steps_ms": statistics.median(walked)}))


async def _open_and_close(settings: Settings) -> float:
    begin = time.perf_counter()
    async with open_application(settings, in_memory=True):
        pass
    return (time.perf_counter() - begin) * 1e3


async def _first_steps(client: httpx.AsyncClient, number: int) -> float:
    """Register, log in, read oneself."""
    email = f"member{number}@example.com"
    begin = time.perf_counter()
    made = await client.post(f"{_API}/auth/register", json={"email": email, "password": _PASSWORD})
    made.raise_for_status()
    form = {"username": email, "password": _PASSWORD}
    token = (await client.post(f"{_API}/auth/login", data=form)).raise_for_status().json()["access_token"]
    seen = await client.get(f"{_API}/users/me", headers={"Authorization": f"Bearer {token}"})
    seconds = time.perf_counter() - begin
    assert seen.raise_for_status().json()["email"] == email
    return seconds * 1e3


if __name__ == "__main__":
    asyncio.run(main())

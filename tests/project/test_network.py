"""At run time nothing goes over the network but to what is configured (S41): a service is used, and every connection
that it opens and every name that it looks up is watched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.places import REPOSITORY, environment
from tests.stores import MEMORY, POSTGRESQL, SQLITE, database_url

USED = """
import asyncio, json, sys

seen = []

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        seen.append([event, repr(arguments[1])])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "http.client.connect"):
        seen.append([event, repr(arguments)])

sys.addaudithook(watch)

import httpx
from asgi_lifespan import LifespanManager
from entrypoints.http.app import create_app
from entrypoints.settings import Settings

PASSWORD = "violet-anchor-42-lamp"

async def use(in_memory, settings):
    app = create_app(Settings(bcrypt_cost=4, **settings), in_memory=in_memory)
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        account = {"email": "ada@mail.example", "password": PASSWORD, "username": "ada"}
        statuses = [(await client.post("/api/v1/auth/register", json=account)).status_code]
        form = {"username": "ada", "password": PASSWORD}
        signed_in = await client.post("/api/v1/auth/login", data=form)
        headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        forged = "eyJhbGciOiJFZERTQSIsImprdSI6Imh0dHA6Ly9hLmV4YW1wbGUvIn0.e30.AA"
        for path in ("/docs", "/redoc", "/openapi.json", "/metrics", "/health", "/ready", "/reset-password",
                     "/.well-known/jwks.json", "/api/v1/users/me", "/api/v1/posts", "/api/v1/products"):
            statuses.append((await client.get(path, headers=headers)).status_code)
        changed = await client.patch("/api/v1/users/me/profile", headers=headers, json={"website": "https://a.example"})
        statuses.append(changed.status_code)
        refused = await client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {forged}"})
        assert refused.status_code == 401
        await app.state.application.runner.drain()
    return statuses

given = json.loads(sys.argv[1])
statuses = asyncio.run(use(given.pop("in_memory"), given))
import socket
before = list(seen)
with socket.socket() as probe:
    probe.settimeout(0.01)
    try:
        probe.connect(("127.0.0.1", 1))
    except OSError:
        pass
assert len(seen) == len(before) + 1, "the watch sees connections"
print(json.dumps([statuses, before]))
"""


@pytest.mark.parametrize("store", [MEMORY, SQLITE, POSTGRESQL])
def test_a_service_that_is_used_calls_nobody_but_its_database(store: str, tmp_path: Path) -> None:
    """S41. PostgreSQL listens on a socket of the machine, or where the tests were told to find it."""
    url = database_url(store, tmp_path)
    given = {"in_memory": store == MEMORY, "data_dir": str(tmp_path), "database_url": url}
    ran = subprocess.run(
        [sys.executable, "-c", USED, json.dumps(given)],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    statuses, seen = json.loads(ran.stdout.splitlines()[-1])
    assert set(statuses) == {200, 201}
    if store != POSTGRESQL:
        assert seen == []
    else:
        assert seen
        assert [one for one in seen if ".s.PGSQL." not in one[1] and "127.0.0.1" not in one[1]] == []

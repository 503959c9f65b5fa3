"""Secrets that are found nowhere else go through everything that takes or gives one; then logs, traces, errors, the
audit trail, the metrics and the database are searched for them (S40)."""

import io
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import text

from adapters.mail import MemoryMailer
from adapters.sql import Database, create_engine
from adapters.sql.tables import metadata
from entrypoints.http.app import create_app
from entrypoints.logs import JsonLines, TextLines
from entrypoints.settings import Settings
from tests.canaries import found_in
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.collector import Collector, collecting
from tests.entrypoints.http.importing import imported, rejects
from tests.limits import UNLIMITED
from tests.project.server import free_port
from tests.stores import MEMORY, database_url

FIRST, SECOND, THIRD, GUESSED = (f"canary-{bird}-9417-sings" for bird in ("finch", "siskin", "linnet", "bunting"))
METRICS_TOKEN = "canary-metrics-token-5512"
SECRET_KEY = "canary-secret-key-of-this-club-" * 2
PASSWORD_HASH = "$2b$04$CanaryCanaryCanaryCanau" + "CanaryHash" * 3 + "x"
BAD_HASH = "canary-that-is-no-hash-7781"
IN_URLS = {"redis": "canary-redis-3301", "database": "canary-database-4402"}
JSON = {"Content-Type": "application/json"}


async def _tables(settings: Settings) -> str:
    """Everything that is stored, as text."""
    engine = create_engine(Database(settings.database))
    try:
        async with engine.connect() as connection:
            names = [table.name for table in metadata.sorted_tables]
            rows = {name: (await connection.execute(text(f"SELECT * FROM {name}"))).all() for name in names}  # noqa: S608
    finally:
        await engine.dispose()
    assert all(rows[name] for name in ("users", "events", "jobs", "audit_entries", "kept_answers"))
    return "\n".join(f"{name}: {tuple(map(_readable, row))}" for name, found in rows.items() for row in found)


def _readable(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@dataclass
class Aviary:
    """A service whose secrets are canaries, and everything that it lets out."""

    api: Api
    settings: Settings
    secrets: set[str]
    refusals: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        answer = await self.api.call(method, path, **rest)
        if answer.status_code >= 400:
            self.refusals.append(f"{method} {path.partition('?')[0]}: {answer.headers} {answer.text}")
        return answer

    async def good(self, method: str, path: str, **rest: Any) -> Any:
        answer = await self.call(method, path, **rest)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, **rest: Any) -> None:
        answer = await self.call(method, path, **rest)
        assert answer.status_code in range(400, 500), (path, answer.status_code)

    async def log_in(self, login: str, password: str) -> Tokens:
        body = await self.good("POST", "/auth/login", data={"username": login, "password": password})
        self.secrets |= {body["access_token"], body["refresh_token"], body["device_token"]}
        return Tokens(body["access_token"], body["refresh_token"], body["device_token"])

    async def link(self) -> str:
        token = await self.api.token_mailed()
        self.secrets.add(token)
        return token


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting(monkeypatch) as server:
        yield server


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that is logged, at every level and by everybody, as both kinds of lines."""
    written = io.StringIO()
    handlers = []
    for lines in (JsonLines(), TextLines()):
        handler = logging.StreamHandler(written)
        handler.setFormatter(lines)
        handlers.append(handler)
    root, own = logging.getLogger(), logging.getLogger("moothall")
    before = root.level, own.level
    root.setLevel(logging.WARNING)
    own.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    yield written
    root.level, own.level = before
    for handler in handlers:
        root.removeHandler(handler)


@asynccontextmanager
async def aviary_on(store_name: str, tmp_path: Path) -> AsyncIterator[Aviary]:
    """Redis is away all the time."""
    url = database_url(store_name, tmp_path)
    if store_name == "postgresql":
        assert url is not None
        url = url.replace("postgres:@", f"postgres:{IN_URLS['database']}@", 1)
    settings = Settings.model_validate(
        {
            "bcrypt_cost": 4,
            "data_dir": tmp_path,
            "database_url": url,
            "secret_key": SECRET_KEY,
            "metrics_token": METRICS_TOKEN,
            "redis_url": f"redis://:{IN_URLS['redis']}@127.0.0.1:{free_port()}/0",
            **UNLIMITED,
            "rate_limit_login": "1000/minute",
        }
    )
    clock, mailer = OwnClock(), MemoryMailer()
    app = create_app(settings, in_memory=store_name == "memory", clock=clock, mailer=mailer, jobs=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        app.state.application.live.switchboard.close()
        secrets = {FIRST, SECOND, THIRD, GUESSED, METRICS_TOKEN, SECRET_KEY, PASSWORD_HASH, BAD_HASH}
        yield Aviary(Api(app, client, clock, mailer), settings, secrets | {IN_URLS["redis"], IN_URLS["database"]})


@pytest.mark.parametrize("before", ["", "u:", "user:"])
def test_a_secret_is_recognised_in_every_form(before: str) -> None:
    assert found_in(f"x {FIRST} x", [FIRST, SECOND]) == [FIRST]
    assert found_in(quote(f"{before}{FIRST}/+", safe=""), [FIRST, SECOND]) == [FIRST]
    for encode in (b64encode, urlsafe_b64encode):
        assert found_in(encode(f"{before}{FIRST}".encode()).decode(), [FIRST, SECOND]) == [FIRST]
    assert found_in(SECOND[:-1], [FIRST, SECOND]) == []


async def test_a_secret_is_in_no_log_trace_error_metric_or_entry_and_in_no_table(
    store_name: str, tmp_path: Path, collector: Collector, lines: io.StringIO
) -> None:
    """S40."""
    async with aviary_on(store_name, tmp_path) as aviary:
        _, root = await aviary.api.admin()
        await _the_account(aviary)
        await _administration(aviary, root)
        await _things(aviary, root)
        await _nonsense(aviary, root)
        metrics = await aviary.api.call("GET", "//metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        trail = await aviary.api.trail(root)
        stored = "" if store_name == MEMORY else await _tables(aviary.settings)
    said = {
        "logs": lines.getvalue(),
        "traces": b"".join(collector.received).decode("latin-1"),
        "errors": "\n".join(aviary.refusals),
        "metrics": metrics.text,
        "trail": str(trail),
        "tables": stored,
    }
    assert "GET /api/v1/users" in said["traces"]
    assert "Redis" in said["logs"]
    assert "moothall_" in said["metrics"]
    assert len(trail) > 20
    assert len(aviary.refusals) > 20
    assert {where: found for where, text in said.items() if (found := found_in(text, aviary.secrets))} == {}


async def _the_account(aviary: Aviary) -> None:
    """Registering, links, signing in and out, passwords, tokens."""
    account = {"email": "ada@example.com", "password": FIRST, "username": "ada"}
    await aviary.good("POST", "/auth/register", json=account)
    await aviary.refused("POST", "/auth/register", json=account)
    await aviary.good("POST", "/auth/verify-email", json={"token": await aviary.link()})
    await aviary.refused("POST", "/auth/login", data={"username": "ada", "password": GUESSED})
    tokens = await aviary.log_in("ada", FIRST)
    renewed = await aviary.good("POST", "/auth/refresh", json={"refresh_token": tokens.refresh_token})
    aviary.secrets |= {renewed["access_token"], renewed["refresh_token"]}
    aviary.api.clock.advance(seconds=11)
    await aviary.refused("POST", "/auth/refresh", json={"refresh_token": tokens.refresh_token})
    await aviary.api.mails()
    await aviary.good("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    token = await aviary.link()
    assert (await aviary.call("GET", f"//reset-password?token={token}")).status_code == 200
    reset = {"token": token, "password": SECOND}
    await aviary.good("POST", "/auth/reset-password", json=reset)
    await aviary.refused("POST", "/auth/reset-password", json=reset)
    await aviary.refused("POST", "//reset-password", data=reset)
    tokens = await aviary.log_in("ada", SECOND)
    change = {"current_password": GUESSED, "new_password": THIRD}
    await aviary.refused("PUT", "/users/me/password", as_=tokens, json=change)
    await aviary.good("PUT", "/users/me/password", as_=tokens, json={**change, "current_password": SECOND})
    await aviary.api.mails()
    await aviary.refused("POST", "/users/me/email", as_=tokens, json={"email": "a@new.example", "password": GUESSED})
    await aviary.good("POST", "/users/me/email", as_=tokens, json={"email": "a@new.example", "password": THIRD})
    await aviary.good("POST", "/auth/verify-email", json={"token": await aviary.link()})
    tokens = await aviary.log_in("ada", THIRD)
    form = {"grant_type": "password", "username": "ada", "password": THIRD}
    pair = await aviary.good("POST", "/auth/token", data=form)
    aviary.secrets |= {pair["access_token"], pair["refresh_token"]}
    await aviary.refused("POST", "/auth/token", data={**form, "password": GUESSED})
    await aviary.good("POST", "/auth/revoke", data={"token": pair["refresh_token"]})
    await aviary.refused("GET", "/users/me", as_=Tokens(pair["access_token"], ""))
    ticket = (await aviary.good("POST", "/live/tickets", as_=tokens))["ticket"]
    aviary.secrets.add(ticket)
    assert (await aviary.api.call("GET", f"/live/events?ticket={ticket}")).status_code == 200
    await aviary.refused("GET", f"/live/events?ticket={ticket}x")
    await aviary.good("POST", "/auth/logout", as_=tokens)
    await aviary.refused("GET", "/users/me", as_=tokens)


async def _administration(aviary: Aviary, root: Tokens) -> None:
    """Invitations, keys, acting for somebody, and members from a file."""
    await aviary.api.mails()
    await aviary.good("POST", "/users/invite", as_=root, json={"email": "grace@example.com"})
    token = await aviary.link()
    await aviary.refused("POST", "/auth/accept-invitation", json={"token": token, "password": FIRST, "username": "ada"})
    await aviary.good("POST", "/auth/accept-invitation", json={"token": token, "password": FIRST})
    user = await aviary.good("POST", "/users", as_=root, json={"email": "bob@example.com", "password": SECOND})
    acting = await aviary.good("POST", f"/users/{user['id']}/impersonate", as_=root, json={})
    aviary.secrets.add(acting["access_token"])
    await aviary.refused("POST", "/posts", as_=Tokens(acting["access_token"], ""), json={"title": "x", "content": "y"})
    once = {"Idempotency-Key": "canaries"}
    for _ in range(2):
        body = {"name": "report", "permissions": ["users:read"]}
        made = await aviary.good("POST", "/api-keys", as_=root, json=body, headers=once)
        aviary.secrets |= {made["key"]} if made.get("key") else set()
    [key] = [secret for secret in aviary.secrets if secret.startswith("mh_")]
    await aviary.good("GET", "/users", headers={"X-API-Key": key})
    await aviary.refused("POST", "/users", headers={"X-API-Key": key}, json={"email": "x@example.com"})
    await aviary.good("DELETE", f"/api-keys/{made['id']}", as_=root)
    await aviary.refused("GET", "/users", headers={"X-API-Key": key})
    table = f"email,password_hash\nc@x.org,{PASSWORD_HASH}\nd@x.org,{BAD_HASH}\nno-address,{PASSWORD_HASH}\n"
    found = await imported(aviary.api, root, table)
    aviary.refusals.append(str(found) + str(await rejects(aviary.api, root, found)))


async def _things(aviary: Aviary, root: Tokens) -> None:
    """Webhooks, whose secrets are told once."""
    body = {"url": "https://192.0.66.1/hook", "events": ["order.paid"]}
    webhook = await aviary.good("POST", "/webhooks", as_=root, json=body)
    rotated = await aviary.good("POST", f"/webhooks/{webhook['id']}/secret", as_=root)
    aviary.secrets |= {webhook["secret"], rotated["secret"]}
    shown = await aviary.good("GET", f"/webhooks/{webhook['id']}", as_=root)
    aviary.refusals.append(str(shown))
    await aviary.refused("PATCH", f"/webhooks/{webhook['id']}", as_=root, json={"url": "http://127.0.0.1/"})


async def _nonsense(aviary: Aviary, root: Tokens) -> None:
    """Secrets where they do not belong, and where they are not understood."""
    for body in (
        {"email": "x@example.com", "password": [FIRST]},
        {"email": "x@example.com", "password": {"deep": FIRST}},
        {"email": "not an address", "password": FIRST},
        {"email": "x@example.com", "password": FIRST, "unknown": FIRST},
    ):
        await aviary.refused("POST", "/auth/register", json=body)
    await aviary.refused("POST", "/auth/register", content=f'{{"password": "{FIRST}"'.encode(), headers=JSON)
    await aviary.refused("POST", "/auth/login", data={"username": "ada", "password": FIRST, "passwort": FIRST})
    await aviary.refused("POST", "/auth/refresh", json={"refresh_token": FIRST})
    await aviary.refused("POST", "/auth/verify-email", json={"token": FIRST})
    await aviary.refused("GET", "//metrics", headers={"Authorization": f"Basic {METRICS_TOKEN}"})
    for headers in ({"Authorization": f"Bearer {FIRST}"}, {"X-API-Key": f"mh_{FIRST}"}):
        await aviary.refused("GET", "/users/me", headers=headers)

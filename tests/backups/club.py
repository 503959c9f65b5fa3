"""A club with every kind of data: every table holds something, and there are files beside the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bcrypt
import httpx
from asgi_lifespan import LifespanManager
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.mail import MemoryMailer
from adapters.sql.tables import metadata
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.contracts.builders import SECOND, a_post_by, a_session, a_user
from tests.entrypoints.http.client import OPERATOR, Api, Tokens
from tests.entrypoints.http.importing import imported, started
from tests.entrypoints.http.shop import Shop
from tests.limits import UNLIMITED
from tests.pictures import a_picture

SECRET = "a secret of the club's own, and no other's: 0123456789"
PLAIN = "imported-lantern-77-moss"
"""The password of a member whose hash came from elsewhere."""
LONG_AGO = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
HOSTILE = (
    "'); DROP TABLE users; --",
    '\\N\t\\. \\" {"json": [1]} \\u0000 \r\n',
    "ﬁ İ ß \u2028 \u202e 👩\u200d👩\u200d👧 \x7f\x01",
    "x" * 5000,
)


@dataclass(frozen=True)
class Club:
    """Who has what, as it was told to them before anything was saved."""

    root: Tokens
    grace: Tokens
    key: str
    room: str
    picture: bytes
    waiting_import: str


def settings_at(folder: Path, url: str | None, **others: Any) -> Settings:
    """With cheap hashes and without limits; files lie in the folder."""
    return Settings(
        **{
            "bcrypt_cost": 4,
            "data_dir": folder,
            "database_url": url,
            "secret_key": SECRET,
            "webhooks_to_loopback": True,
            **UNLIMITED,
            **others,
        }
    )


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Api]:
    """The API in process; what is to be done in the background waits until it is drained."""
    clock, mailer = OwnClock(), MemoryMailer()
    app = create_app(settings, clock=clock, mailer=mailer, jobs=False)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://testserver", headers={"User-Agent": "tests"}
        ) as client,
    ):
        app.state.application.live.switchboard.close()
        yield Api(app, client, clock, mailer)


async def founded(api: Api) -> Club:
    """What is due at the end was not done: a mail to the last who registered, a call of a webhook, an import."""
    shop = await Shop.opened(api)
    root = shop.keeper
    grace, tokens = await api.member("grace")

    async def done(method: str, path: str, by: Tokens = root, **rest: Any) -> Any:
        answer = await api.call(method, path, as_=by, **rest)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    await api.call("POST", "/auth/forgot-password", json={"email": "grace@example.com"})
    await done("PATCH", "/users/me/profile", tokens, json={"bio": "Ναυτικό\nσώμα", "website": "https://grace.example"})
    await done("PUT", "/users/me/avatar", tokens, files={"file": ("me.png", a_picture())})
    await done("POST", "/roles", json={"name": "greeter", "permissions": ["users:read"]})
    await api.give(grace, "member", "greeter")
    key = (await api.key(tokens, "users:read"))["key"]
    await done("POST", "/posts", tokens, json={"title": "On bees", "content": "They dance.", "is_published": True})
    await done("POST", "/webhooks", json={"url": "http://127.0.0.1:9/hook", "events": ["*"]})
    await shop.product("mug")
    assert (await shop.pay(await shop.placed(tokens, mug=2), tokens)).is_success
    assert (await shop.place(tokens, "key-of-an-order", mug=1)).is_success
    await done("PATCH", "/notifications/preferences", tokens, json={"broadcast": {"mail": True}})
    await done("POST", "/notifications/broadcast", json={"title": "Moot on Friday", "body": "🐝"})
    await done("POST", "/rooms", json={"name": "lounge", "title": "The lounge"})
    said = api.application.live.say
    caller = await api.application.identity.identify_caller(tokens.access_token)
    await said(caller.actor, room="lounge", text="Is anybody there?")
    await api.application.runner.drain()
    await done("POST", "/live/tickets", tokens)
    await imported(api, root, "email,external_id\nmoved@example.com,legacy-7\nnobody,\n")
    await imported(api, root, "email\nperhaps@example.com\n", dry_run=True)
    await _odd_members(api)
    await api.application.audit.seal(OPERATOR)
    await api.register("last@example.com", username="last")  # whose mail waits, and whose entry is not sealed
    waiting = await started(api, root, "email\nto-come@example.com\n", dry_run=True)
    picture = (await api.call("GET", f"/users/{grace['id']}/avatar")).content
    return Club(root, tokens, key, "lounge", picture, waiting["id"])


async def _odd_members(api: Api) -> None:
    """With whatever their browsers call themselves, and posts; and one of long ago, whose hash came from elsewhere."""
    now = api.clock.now()
    plain = bcrypt.hashpw(PLAIN.encode(), bcrypt.gensalt(4)).decode()
    async with api.application.identity.log_in.transactions.begin() as uow:
        await uow.users.add(a_user("imported", password_hash=plain, created_at=LONG_AGO, updated_at=LONG_AGO))
        for n, text in enumerate(HOSTILE):
            user = a_user(f"odd{n}", first_name="Zoë", last_name="İn ﬁ", created_at=now, updated_at=now)
            await uow.users.add(user)
            await uow.sessions.add(a_session(user, user_agent=text, created_at=now, expires_at=now + 3600 * SECOND))
            await uow.posts.add(a_post_by(user, created_at=now, updated_at=now, published_at=now))


async def everything(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    found = {}
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            columns = sorted(table.columns, key=lambda column: column.name)
            rows = (await connection.execute(select(*columns))).all()
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found

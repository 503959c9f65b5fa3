"""Pictures in a bucket that can go away: what was asked for then, and what was left for later."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager

from adapters.mail import MemoryMailer
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api
from tests.limits import UNLIMITED
from tests.pictures import a_picture, decoded
from tests.s3_server import S3Server, s3_server

FILE = {"file": ("me.png", a_picture(), "image/png")}


@pytest.fixture
def bucket() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
async def api(bucket: S3Server, tmp_path: Path) -> AsyncIterator[Api]:
    settings = Settings(bcrypt_cost=4, data_dir=tmp_path, blob_url=bucket.url("club"), **UNLIMITED)
    clock, mailer = OwnClock(), MemoryMailer()
    app = create_app(settings, clock=clock, mailer=mailer, jobs=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield Api(app, client, clock, mailer)


async def test_members_notice_that_the_bucket_is_away_at_pictures_alone(
    api: Api, bucket: S3Server, tmp_path: Path
) -> None:
    user, tokens = await api.member("ada")
    sent = await api.call("PUT", "/users/me/avatar", as_=tokens, files=FILE)
    assert sent.status_code == 200
    path = sent.json()["avatar_url"].removeprefix("http://127.0.0.1:8000/api/v1")
    shown = await api.call("GET", path)
    assert decoded(shown.content).size == (64, 64)
    assert not (tmp_path / "blobs").exists()

    bucket.behave(status=503)
    for answer in (
        await api.call("PUT", "/users/me/avatar", as_=tokens, files=FILE),
        await api.call("GET", path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "blobs-unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "127.0.0.1" not in answer.text
    known = await api.call("GET", path, headers={"If-None-Match": shown.headers["etag"]})
    assert known.status_code == 304
    profile = await api.call("GET", f"/users/{user['id']}/profile")
    assert profile.json()["avatar_url"] == sent.json()["avatar_url"]
    assert (await api.call("DELETE", "/users/me", as_=tokens)).status_code == 204
    await api.application.runner.drain()

    bucket.behave()
    blobs = api.application.profiles.show_avatar.files.blobs
    assert len([blob async for blob in blobs.all("avatars")]) == 2
    api.clock.advance(hours=1)
    await api.application.runner.drain()
    assert [blob async for blob in blobs.all("avatars")] == []

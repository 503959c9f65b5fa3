"""Moothall uses what was handed to it."""

import io
from pathlib import Path

import httpx
import pytest
from club_adapters.plugged_in import club_app, open_club
from club_adapters.sqlite_blobs import SqliteBlobs
from PIL import Image
from test_mbox import mails_in

from domain.access.actor import operator
from entrypoints.settings import Settings

ADA = {"email": "ada@example.com", "username": "ada", "password": "violet-anchor-42-lamp"}


@pytest.mark.asyncio
async def test_who_registers_over_http_gets_a_mail_in_the_mbox(tmp_path: Path) -> None:
    app = club_app(Settings(data_dir=tmp_path, bcrypt_cost=4), tmp_path, in_memory=True, jobs=False)
    here = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=here, base_url="http://club") as client:
        answer = await client.post("/api/v1/auth/register", json=ADA)
        assert answer.status_code == 201
        await app.state.application.runner.drain()
    assert [mail["To"] for mail in mails_in(tmp_path / "club.mbox")] == ["ada@example.com"]


@pytest.mark.asyncio
async def test_a_picture_goes_into_the_database_of_files(tmp_path: Path) -> None:
    us, picture = operator("us"), io.BytesIO()
    Image.new("RGB", (64, 64), "green").save(picture, "PNG")
    async with open_club(Settings(data_dir=tmp_path, bcrypt_cost=4), tmp_path, in_memory=True) as club:
        ada = (await club.identity.register(us, **ADA)).value
        await club.profiles.replace_avatar(us, image=picture, user_id=ada.id)
        shown = await club.profiles.show_avatar(us, user_id=ada.id)
        assert shown.content is not None
        assert shown.content[8:12] == b"WEBP"
    stored = [blob.key async for blob in SqliteBlobs(tmp_path / "files.db").all("")]
    assert stored
    assert all(str(ada.id) in key for key in stored)

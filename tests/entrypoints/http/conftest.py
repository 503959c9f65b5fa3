"""The API in process, on each store; what is to be done in the background waits until a test drains it."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
from asgi_lifespan import LifespanManager
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from adapters.mail import MemoryMailer
from adapters.security import foreign_hashes
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.live import LiveServer, serving_live
from tests.limits import UNLIMITED
from tests.stores import STORES, database_url


@pytest.fixture(params=STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def settings(store_name: str, tmp_path: Path) -> Settings:
    """As a tester would set it: cheap hashes, no limits, the cleaned database of that kind."""
    return Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=database_url(store_name, tmp_path), **UNLIMITED)


@pytest.fixture
async def api(store_name: str, settings: Settings) -> AsyncIterator[Api]:
    clock, mailer = OwnClock(), MemoryMailer()
    app = create_app(settings, in_memory=store_name == "memory", clock=clock, mailer=mailer, jobs=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver", headers={"User-Agent": "tests"}) as client,
    ):
        app.state.application.live.switchboard.close()  # a stream tells what there is, and ends: here nothing else can
        yield Api(app, client, clock, mailer)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every computation of bcrypt, PBKDF2 and Argon2, as it happens."""
    made: list[str] = []
    hash_password, check_password, pbkdf2 = bcrypt.hashpw, bcrypt.checkpw, hashlib.pbkdf2_hmac

    def counted_hash(password: bytes, salt: bytes) -> bytes:
        made.append("hash")
        return hash_password(password, salt)

    def counted_check(password: bytes, hashed: bytes) -> bool:
        made.append("check")
        return check_password(password, hashed)

    def counted_pbkdf2(digest: str, password: bytes, salt: bytes, rounds: int, length: int | None = None) -> bytes:
        made.append("check")
        return pbkdf2(digest, password, salt, rounds, length)

    def counted_argon2(**settings: Any) -> Argon2id:
        made.append("check")
        return Argon2id(**settings)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counted_pbkdf2)
    monkeypatch.setitem(foreign_hashes.ARGON2_VARIANTS, "argon2id", counted_argon2)
    monkeypatch.setattr(bcrypt, "hashpw", counted_hash)
    monkeypatch.setattr(bcrypt, "checkpw", counted_check)
    return made


@pytest.fixture
async def live(store_name: str, settings: Settings) -> AsyncIterator[LiveServer]:
    """The API on a port, for clients that want sockets."""
    async with serving_live(store_name, settings) as server:
        yield server

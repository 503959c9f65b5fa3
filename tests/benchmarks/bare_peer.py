"""Bare FastAPI: what the framework allows (token check only), and the hand-written minimum that asks the database."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .postgres import Databases
from .servers import HOST, free_port, running
from .targets import MEMBERS, OwnUser, Running, write_requests
from .workspace import PEERS, Workspace, program

_NAMES = {"claims": "token-only", "row": "asyncpg", "sqlalchemy": "sqlalchemy"}
_LIFETIME = dt.timedelta(hours=1)
_TABLE = """
CREATE TABLE members (
    id uuid PRIMARY KEY, email text NOT NULL UNIQUE, username text NOT NULL, first_name text NOT NULL,
    last_name text NOT NULL, is_active boolean NOT NULL, created_at timestamptz NOT NULL
)
"""
_COLUMNS = ("id", "email", "username", "first_name", "last_name", "is_active", "created_at")


class BareMembers:
    """The members of both bare servers: their tokens, signed once, and their rows, written once."""

    def __init__(self, workspace: Workspace, databases: Databases) -> None:
        self.workspace = workspace
        self._databases = databases
        self._key = Ed25519PrivateKey.generate()
        self._ids = [uuid.uuid4() for _ in range(MEMBERS)]
        self._database_url: str | None = None

    @property
    def public_key(self) -> str:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def database_url(self) -> str:
        """Of a database that holds the members' rows."""
        if self._database_url is None:
            self._database_url = self._databases.create("bare")
            asyncio.run(self._write_rows(self._database_url))
        return self._database_url

    def own_users(self, path: str) -> list[OwnUser]:
        now = dt.datetime.now(dt.UTC)
        members = []
        for one in self._ids:
            claims = {"sub": str(one), "email": _email(one), "iat": now, "exp": now + _LIFETIME}
            members.append(OwnUser(path, jwt.encode(claims, self._key, "EdDSA"), _email(one)))
        return members

    async def _write_rows(self, url: str) -> None:
        now = dt.datetime.now(dt.UTC)
        rows = [(one, _email(one), f"u{one.hex}", "Ada", "Lovelace", True, now) for one in self._ids]
        connection = await asyncpg.connect(url, timeout=10)
        try:
            await connection.execute(_TABLE)
            await connection.copy_records_to_table("members", records=rows, columns=_COLUMNS)
        finally:
            await connection.close()


@dataclass(frozen=True)
class BareFastApi:
    """`reads`: the claims alone, or the row behind them, with the driver or with SQLAlchemy."""

    members: BareMembers
    reads: Literal["claims", "row", "sqlalchemy"]
    workers: int

    @property
    def name(self) -> str:
        return f"{_NAMES[self.reads]}-{self.workers}"

    @property
    def logs_in(self) -> bool:
        return False

    def prepare(self) -> None:
        requests = self.members.workspace.requests(self.name)
        write_requests(requests, self.members.own_users(f"/{self.reads}/me"))
        if self.reads != "claims":
            self.members.database_url()

    @contextmanager
    def serve(self) -> Iterator[Running]:
        port, space = free_port(), self.members.workspace
        env = {"BENCH_PUBLIC_KEY": self.members.public_key}
        if self.reads != "claims":
            env["BENCH_DATABASE_URL"] = self.members.database_url()
        module = "bare_sqlalchemy_app" if self.reads == "sqlalchemy" else "bare_app"
        command = [program("uvicorn"), f"{module}:app", "--app-dir", PEERS, "--host", HOST, "--port", port]
        command += ["--workers", self.workers, "--no-access-log"]
        with running(
            command, port=port, ready_path="/health", log=space.log(self.name), cwd=space.directory, env=env
        ) as pid:
            yield Running(port, space.requests(self.name), pid)


def _email(one: uuid.UUID) -> str:
    return f"{one.hex}@example.com"

"""Real servers for drills, two that answer for one club: on one store as two processes, or as two workers."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from domain.access.actor import operator
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.drills.client import Client
from tests.drills.redis_server import RedisServer, redis_server
from tests.project.server import Server, serving
from tests.stores import POSTGRESQL, SQLITE, database_url

PASSWORD = "violet-anchor-42-lamp"
ROOT = "root@example.com"
SECRET = "drill" * 10
OFF = {f"MOOTHALL_RATE_LIMIT_{name}": "off" for name in ("DEFAULT", "LOGIN", "REGISTER", "MAIL", "LIVE")}

TWO_SERVERS_AND_REDIS = "two servers, PostgreSQL, Redis"
TWO_SERVERS_ON_A_FILE = "two servers, SQLite"
TWO_WORKERS = "two workers, PostgreSQL"


@dataclass(frozen=True)
class Pair:
    """Two places that answer for one club. `any_server` has the command line's settings."""

    one: Client
    other: Client
    any_server: Server
    redis: RedisServer | None = None
    other_port: int = 0

    async def signed_in(self, login: str) -> str:
        """An access token."""
        form = {"username": login, "password": PASSWORD}
        token: str = (await self.one.post("/auth/login", status=200, form=form))["access_token"]
        return token

    def close(self) -> None:
        self.one.close()
        self.other.close()


@dataclass(frozen=True)
class Member:
    id: str
    email: str
    token: str

    @property
    def session_id(self) -> str:
        """As the access token names it."""
        payload = self.token.split(".")[1]
        claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims["sid"]


async def a_member(pair: Pair, admin: str, *roles: str) -> Member:
    """Somebody new, made by the administrator and signed in."""
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD, "is_verified": True, "roles": ["member", *roles]}
    user = await pair.one.post("/users", status=201, token=admin, body=body)
    return Member(user["id"], email, await pair.signed_in(email))


async def a_role(pair: Pair, admin: str) -> str:
    """A new one, that allows to list members."""
    body = {"name": f"r{uuid4().hex}", "permissions": ["users:read"]}
    name: str = (await pair.one.post("/roles", status=201, token=admin, body=body))["name"]
    return name


@contextmanager
def pair_of(arrangement: str, folder: Path, *, limits: Mapping[str, str] = OFF) -> Iterator[Pair]:
    """Two places on an empty store, whose one account is the administrator ROOT."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder / "redis")) if "Redis" in arrangement else None
        env = prepared(SQLITE if "SQLite" in arrangement else POSTGRESQL, folder, redis=redis, more=limits)
        if arrangement == TWO_WORKERS:
            server = stack.enter_context(serving(folder, "--workers", "2", env=env))
            yield Pair(*(Client(server.port, pid) for pid in workers_of(server)), server)
            return
        (folder / "other").mkdir()
        one = stack.enter_context(serving(folder, env=env))
        other = stack.enter_context(serving(folder / "other", env=env))
        yield Pair(Client(one.port), Client(other.port), one, redis, other.port)


def prepared(
    store: str, folder: Path, *, redis: RedisServer | None = None, more: Mapping[str, str] = OFF
) -> dict[str, str]:
    """The environment of servers on a store that has an administrator and nobody else yet."""
    url = database_url(store, folder)
    assert url is not None
    return {
        **asyncio.run(environment_on(url, folder)),
        **({"MOOTHALL_REDIS_URL": redis.url} if redis else {}),
        **({"MOOTHALL_DB_TIMEOUT": "30"} if store == SQLITE else {}),  # writers of a file wait for each other
        **more,
    }


async def environment_on(url: str, folder: Path) -> dict[str, str]:
    """That of servers on a migrated database without anybody, which has an administrator then. `serving` limits
    nothing."""
    settings = Settings(bcrypt_cost=4, data_dir=folder / "data", database_url=url, secret_key=SECRET)
    await _make_administrator(settings)
    return {
        "MOOTHALL_ACCESS_TOKEN_TTL": "86400",
        "MOOTHALL_BCRYPT_COST": "4",
        "MOOTHALL_DATABASE_URL": url,
        "MOOTHALL_DATA_DIR": str(folder / "data"),
        "MOOTHALL_LOG_LEVEL": "warning",
        "MOOTHALL_PUBLIC_URL": "http://drill.example",
        "MOOTHALL_SECRET_KEY": SECRET,
    }


async def _make_administrator(settings: Settings) -> None:
    async with open_application(settings) as application:
        await application.identity.create_first_admin(operator("drill"), email=ROOT, password=PASSWORD)


def workers_of(server: Server) -> list[int]:
    """The process ids of those that answer for a server with several workers."""
    children = psutil.Process(server.pid).children()
    return sorted(child.pid for child in children if not _is_bookkeeper(child))


def _is_bookkeeper(process: psutil.Process) -> bool:
    """multiprocessing keeps a process of its own for what is shared."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE or "resource_tracker" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return True

"""Moothall as it is shipped, started by its own command line."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .client import Client
from .load import BCRYPT_COST, CORES
from .postgres import Databases
from .servers import HOST, ServerError, free_port, run, running
from .targets import LOGIN_ACCOUNTS, MEMBERS, Account, Login, OwnUser, Running, write_requests
from .workspace import Workspace, program

_API = "/api/v1"
_LOGIN = f"{_API}/auth/login"
_SEED_COST = 4  # bcrypt cost while seeding; allowed in development only
_SEEDERS = 8

Store = Literal["postgresql", "sqlite"]


@dataclass
class Installation:
    """One database with its 1,000 members, whom every Moothall on that database then serves; `purpose` tells it from
    others. `redis` is used with PostgreSQL.

    Tokens name their issuer, so each start uses the same port and public URL as the one that signed them.
    """

    store: Store
    workspace: Workspace
    databases: Databases
    settings: dict[str, str]
    redis: str
    purpose: str = "moothall"
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    """Of the members, once they were made."""
    has_room: bool = False
    _tried: bool = False
    _accounts: tuple[Account, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.purpose}-{self.store}"

    @property
    def database_url(self) -> str:
        """On PostgreSQL."""
        return self.env["MOOTHALL_DATABASE_URL"]

    @property
    def sqlite_file(self) -> Path:
        return Path(self.env["MOOTHALL_DATA_DIR"]) / "moothall.db"

    def install(self) -> None:
        """Make the database, without members."""
        if self.env:
            return
        self.env = self._environment()
        if self.store == "postgresql":
            self.moothall("db", "upgrade")

    def moothall(self, *words: str) -> None:
        """Run a command on it."""
        command = [program("moothall"), *words]
        run(command, log=self.workspace.log(self.name), cwd=self.workspace.folder(self.name), env=self.env)

    def seed(self) -> None:
        """Make the members over HTTP, at a low bcrypt cost; the login accounts then get hashes at the real one."""
        if self._tried and not self._accounts:
            raise ServerError(f"{self.name} has no members: seeding it failed before")
        if self._tried:
            return
        self._tried = True
        self.install()
        with self.listening(CORES, _SEED_COST), ThreadPoolExecutor(_SEEDERS) as pool:
            shares = list(pool.map(lambda first: self._register(range(first, MEMBERS, _SEEDERS)), range(_SEEDERS)))
        members, accounts = zip(*(pair for share in shares for pair in share), strict=True)
        write_requests(self.workspace.requests(self.name), members)
        self.tokens = tuple(member.token for member in members)
        self._accounts = accounts[:LOGIN_ACCOUNTS]
        with self.listening(1, BCRYPT_COST), Client(self.port) as client:
            for account in self._accounts:
                log_in(client, account)

    @contextmanager
    def serve(self, workers: int) -> Iterator[Running]:
        with self.listening(workers, BCRYPT_COST) as pid:
            yield Running(self.port, self.workspace.requests(self.name), pid, Login(_LOGIN, self._accounts))

    @contextmanager
    def listening(self, workers: int, bcrypt_cost: int) -> Iterator[int]:
        """`moothall serve` on it; the process id."""
        command = [program("moothall"), "serve", "--host", HOST, "--port", str(self.port), "--workers", str(workers)]
        with running(
            command,
            port=self.port,
            ready_path="/ready",
            log=self.workspace.log(self.name),
            cwd=self.workspace.folder(self.name),
            env=self.env | {"MOOTHALL_BCRYPT_COST": str(bcrypt_cost)},
        ) as pid:
            yield pid

    def _environment(self) -> dict[str, str]:
        env = {
            "MOOTHALL_DATA_DIR": str(self.workspace.folder(self.name)),
            "MOOTHALL_SECRET_KEY": secrets.token_urlsafe(48),
            "MOOTHALL_PUBLIC_URL": f"http://{HOST}:{self.port}",
            "MOOTHALL_ENVIRONMENT": "development",
            "MOOTHALL_RATE_LIMIT_LOGIN": "off",
            "MOOTHALL_RATE_LIMIT_MAIL": "off",
            "MOOTHALL_RATE_LIMIT_REGISTER": "off",
            "MOOTHALL_ACCESS_TOKEN_TTL": "3600",
        }
        if self.store == "postgresql":  # on SQLite the database is where Moothall puts it by itself
            env["MOOTHALL_DATABASE_URL"] = self.databases.create(self.purpose)
            env["MOOTHALL_REDIS_URL"] = self.redis
        return env | self.settings

    def _register(self, numbers: range) -> list[tuple[OwnUser, Account]]:
        made = []
        with Client(self.port) as client:
            for number in numbers:
                account = Account(f"member{number}@example.com", secrets.token_urlsafe())
                new = {"email": account.username, "password": account.password, "username": f"member{number}"}
                client.expect(201, "POST", f"{_API}/auth/register", json_body=new)
                made.append((OwnUser(f"{_API}/users/me", log_in(client, account), account.username), account))
        return made


@dataclass(frozen=True)
class Moothall:
    installation: Installation
    workers: int

    @property
    def name(self) -> str:
        return f"{self.installation.name}-{self.workers}"

    @property
    def logs_in(self) -> bool:
        return True

    def prepare(self) -> None:
        self.installation.seed()

    @contextmanager
    def serve(self) -> Iterator[Running]:
        with self.installation.serve(self.workers) as server:
            yield server


def log_in(client: Client, account: Account) -> str:
    """The access token of a new session."""
    form = {"username": account.username, "password": account.password}
    return str(client.expect(200, "POST", _LOGIN, form=form).json()["access_token"])

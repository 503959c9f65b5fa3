"""fastapi-users out of its own virtual environment, on the same PostgreSQL."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .postgres import Databases
from .servers import HOST, free_port, run, running
from .targets import LOGIN_ACCOUNTS, MEMBERS, Account, Login, Running, read_requests
from .workspace import PEERS, Workspace, peer_program


@dataclass
class FastApiUsers:
    workspace: Workspace
    databases: Databases
    workers: int
    _env: dict[str, str] = field(default_factory=dict)
    _password: str = field(default_factory=secrets.token_urlsafe)

    @property
    def name(self) -> str:
        return f"fastapi-users-{self.workers}"

    @property
    def logs_in(self) -> bool:
        return True

    def prepare(self) -> None:
        url = self.databases.create("fastapi_users").replace("postgresql://", "postgresql+asyncpg://", 1)
        self._env = {"BENCH_DATABASE_URL": url, "BENCH_SECRET_KEY": secrets.token_urlsafe(32)}
        seed = [peer_program("python", self.workspace), PEERS / "fastapi_users_app.py", "seed"]
        seed += [str(MEMBERS), self._password, self.workspace.requests(self.name)]
        run(seed, log=self.workspace.log(self.name), cwd=self.workspace.directory, env=self._env)

    @contextmanager
    def serve(self) -> Iterator[Running]:
        port, space, requests = free_port(), self.workspace, self.workspace.requests(self.name)
        command = [peer_program("uvicorn", space), "fastapi_users_app:app", "--app-dir", PEERS, "--host", HOST]
        command += ["--port", port, "--workers", self.workers, "--no-access-log"]
        accounts = [Account(member.identity, self._password) for member in read_requests(requests)[:LOGIN_ACCOUNTS]]
        with running(
            command, port=port, ready_path="/health", log=space.log(self.name), cwd=space.directory, env=self._env
        ) as pid:
            yield Running(port, requests, pid, Login("/auth/login", tuple(accounts)))

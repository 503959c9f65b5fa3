"""PocketBase, a Go server with SQLite, out of its wheel: as shipped, with members in its `users` collection."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .client import Client
from .servers import HOST, free_port, run, running
from .targets import MEMBERS, OwnUser, Running, write_requests
from .workspace import Workspace, peer_program

_USERS = "/api/collections/users"
_SEED_COST = 4  # bcrypt cost while seeding: no measure here lets PocketBase check a password
_SEEDERS = 8


@dataclass(frozen=True)
class PocketBase:
    workspace: Workspace

    @property
    def name(self) -> str:
        return "pocketbase"

    @property
    def logs_in(self) -> bool:
        return False

    def prepare(self) -> None:
        admin, password = "admin@example.com", secrets.token_urlsafe()
        command = [peer_program("pocketbase", self.workspace), "superuser", "upsert", admin, password]
        run([*command, *self._folders()], log=self.workspace.log(self.name), cwd=self.workspace.folder(self.name))
        with self.serve() as server:
            with Client(server.port) as client:
                _hash_cheaply(client, admin, password)
            with ThreadPoolExecutor(_SEEDERS) as pool:
                shares = pool.map(lambda first: _seed(server.port, range(first, MEMBERS, _SEEDERS)), range(_SEEDERS))
                write_requests(server.requests, [member for share in shares for member in share])

    @contextmanager
    def serve(self) -> Iterator[Running]:
        port, space = free_port(), self.workspace
        command = [peer_program("pocketbase", space), "serve", "--http", f"{HOST}:{port}", *self._folders()]
        with running(
            command, port=port, ready_path="/api/health", log=space.log(self.name), cwd=space.folder(self.name)
        ) as pid:
            yield Running(port, space.requests(self.name), pid)

    def _folders(self) -> list[str]:
        """Everything it would put beside its program goes into this run's folder."""
        root = self.workspace.folder(self.name)
        return [f"--dir={root}/data", f"--hooksDir={root}/hooks", f"--migrationsDir={root}/migrations"]


def _hash_cheaply(client: Client, admin: str, password: str) -> None:
    login = {"identity": admin, "password": password}
    token = client.expect(200, "POST", "/api/collections/_superusers/auth-with-password", json_body=login).json()[
        "token"
    ]
    fields: list[dict[str, Any]] = client.expect(200, "GET", _USERS, token=token).json()["fields"]
    for column in fields:
        if column["name"] == "password":
            column["cost"] = _SEED_COST
    client.expect(200, "PATCH", _USERS, json_body={"fields": fields}, token=token)


def _seed(port: int, numbers: range) -> list[OwnUser]:
    members = []
    with Client(port) as client:
        for number in numbers:
            email, password = f"member{number}@example.com", secrets.token_urlsafe()
            new = {"email": email, "password": password, "passwordConfirm": password, "name": f"Member {number}"}
            client.expect(200, "POST", f"{_USERS}/records", json_body=new)
            login = {"identity": email, "password": password}
            signed_in = client.expect(200, "POST", f"{_USERS}/auth-with-password", json_body=login).json()
            members.append(OwnUser(f"{_USERS}/records/{signed_in['record']['id']}", signed_in["token"], email))
    return members

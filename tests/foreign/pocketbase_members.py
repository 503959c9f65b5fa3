"""Members made through PocketBase's own API, in the `users` collection that it comes with."""

import secrets
import shutil
from pathlib import Path
from typing import Any

from tests.benchmarks.client import Client
from tests.benchmarks.servers import HOST, free_port, run, running
from tests.benchmarks.workspace import Workspace, peer_program
from tests.foreign.people import PEOPLE, Person

USERS = "/api/collections/users"
CHEAPLY = 4
"""The cost of bcrypt; the first member has PocketBase's default."""


def make_members(file: Path, workspace: Workspace) -> None:
    """Leaves PocketBase's data.db in the file."""
    pocketbase = peer_program("pocketbase", workspace)
    root, log = workspace.folder("pocketbase"), workspace.log("pocketbase")
    folders = [f"--dir={root}/data", f"--hooksDir={root}/hooks", f"--migrationsDir={root}/migrations"]
    admin, password = "admin@example.com", secrets.token_urlsafe()
    run([pocketbase, "superuser", "upsert", admin, password, *folders], log=log, cwd=root)
    port = free_port()
    serve = [pocketbase, "serve", "--http", f"{HOST}:{port}", *folders]
    with running(serve, port=port, ready_path="/api/health", log=log, cwd=root), Client(port) as client:
        login = {"identity": admin, "password": password}
        signed_in = client.expect(200, "POST", "/api/collections/_superusers/auth-with-password", json_body=login)
        token = signed_in.json()["token"]
        for person in PEOPLE:
            if person.password is not None:  # there is none without a password
                _make(client, token, person)
                _hash_cheaply(client, token)
    run(["sqlite3", f"{root}/data/data.db", "PRAGMA wal_checkpoint(TRUNCATE)"], log=log, cwd=root)
    shutil.copy(root / "data" / "data.db", file)


def _make(client: Client, token: str, person: Person) -> None:
    member: dict[str, Any] = {
        "email": person.email,
        "password": person.password,
        "passwordConfirm": person.password,
        "name": f"{person.first_name} {person.last_name}".strip(),
        "verified": person.is_verified,
    }
    client.expect(200, "POST", f"{USERS}/records", json_body=member, token=token)


def _hash_cheaply(client: Client, token: str) -> None:
    fields: list[dict[str, Any]] = client.expect(200, "GET", USERS, token=token).json()["fields"]
    for column in fields:
        if column["name"] == "password":
            column["cost"] = CHEAPLY
    client.expect(200, "PATCH", USERS, json_body={"fields": fields}, token=token)

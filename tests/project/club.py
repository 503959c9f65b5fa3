"""A club with a real server of its own, and what its administrator does there by HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.project.server import Server, serving

PASSWORD = "violet-anchor-42-lamp"
ROOT = "root@example.com"
CHEAP_HASHES = {"MOOTHALL_BCRYPT_COST": "4"}


@dataclass
class Club:
    """Its administrator, by HTTP."""

    server: Server

    def ask(self, method: str, path: str, *, token: str | None = None, **body: Any) -> Any:
        """Under `/api/v1`, by the administrator unless there is another's token; the answer's body."""
        headers = {"Authorization": f"Bearer {token or self.sign_in(ROOT)}"}
        answer = requests.request(
            method, f"{self.server.url}/api/v1{path}", headers=headers, json=body or None, timeout=60
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def sign_in(self, login: str) -> str:
        form = {"username": login, "password": PASSWORD}
        answer = requests.post(f"{self.server.url}/api/v1/auth/login", data=form, timeout=60)
        assert answer.ok, answer.text
        token: str = answer.json()["access_token"]
        return token

    def make_room(self, name: str) -> None:
        self.ask("POST", "/rooms", name=name, title=name.title())

    def write_to(self, name: str, title: str) -> None:
        [user] = self.ask("GET", f"/users?q={name}@example.com")["items"]
        self.ask("POST", "/notifications", user_id=user["id"], title=title, body="World")


@contextmanager
def club_at(
    folder: Path, *options: str, env: Mapping[str, str] = {}, port: int | None = None, is_new: bool = True
) -> Iterator[Club]:
    """A server, with an administrator; one that is not new has its own already."""
    with serving(folder, *options, env={**CHEAP_HASHES, **env}, port=port) as server:
        if is_new:
            server.moothall("users", "create-admin", "--email", ROOT, "--password-stdin", typed=PASSWORD)
        yield Club(server)

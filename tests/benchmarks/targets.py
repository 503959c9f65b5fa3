"""What can be measured: a server that lets each of its members read themselves, and perhaps log in."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .client import AnswerError, Client
from .servers import HOST

MEMBERS = 1_000
LOGIN_ACCOUNTS = 8  # how many of the members log in during a measure
STRANGER_STATUSES = (401, 403, 404)  # what a request without a token may be answered


@dataclass(frozen=True, slots=True)
class OwnUser:
    """One member's request for itself; `identity` stands in the right answer and in nobody else's."""

    path: str
    token: str
    identity: str


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """Where members log in with a form of `username` and `password`, hashed with bcrypt at cost 12."""

    path: str
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers now. `requests` is a file of `PATH TOKEN IDENTITY` lines, one for each member;
    `pid` is that of the process that was started, of which several workers are children."""

    port: int
    requests: Path
    pid: int
    login: Login | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class Target(Protocol):
    """One server in one configuration. `prepare` runs once and seeds the members; `serve` once in each round."""

    @property
    def name(self) -> str: ...

    @property
    def logs_in(self) -> bool:
        """Whether its logins can be measured: then what runs has a `login`."""
        ...

    def prepare(self) -> None: ...

    def serve(self) -> AbstractContextManager[Running]: ...


def write_requests(file: Path, members: Sequence[OwnUser]) -> None:
    """Write the requests that the load generator sends in turn: as many different tokens as members."""
    if len({member.token for member in members}) != MEMBERS:
        raise ValueError(f"{file.name}: {MEMBERS} different tokens are needed")
    file.write_text("".join(f"{member.path} {member.token} {member.identity}\n" for member in members))


def read_requests(file: Path) -> list[OwnUser]:
    return [OwnUser(*line.split()) for line in file.read_text().splitlines()]


def check_answers(server: Running) -> None:
    """A fast wrong answer is worth nothing: members get themselves, and a stranger gets nobody.

    Raises:
        AnswerError: somebody else was answered, or a request without a token was.
    """
    members = read_requests(server.requests)
    with Client(server.port) as client:
        for member in members[:: len(members) // 4]:
            answer = client.expect(200, "GET", member.path, token=member.token)
            if member.identity.encode() not in answer.body:
                raise AnswerError(f"GET {member.path} answered somebody else: {answer.body[:300]!r}")
        stranger = client.call("GET", members[0].path)
        if stranger.status not in STRANGER_STATUSES:
            raise AnswerError(f"GET {members[0].path} without a token: {stranger.status}")

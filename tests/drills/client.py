"""A client that knows when a request began and when its answer was there: HTTP/1.1 over connections that stay open."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import psutil

from tests.project.server import HOST

WITHIN = 30.0
IDLE_AT_MOST = 3.0
"""Seconds. The server closes a connection that was idle for 5."""
MOST_CONNECTIONS = 500


class Unanswered(Exception):
    """No answer came, or not all of it. `was_open`: on a connection that had carried an answer before, where a server
    may say good-bye while the request is on its way (RFC 9112, section 9.3.1)."""

    def __init__(self, began: float, *, was_open: bool, why: BaseException) -> None:
        super().__init__(f"{type(why).__name__} {why}".strip())
        self.began = began
        self.was_open = was_open


@dataclass(frozen=True, slots=True)
class Answer:
    """`began`: before the first byte of the request was sent; `ended`: the last of the answer had come. Seconds of the
    monotonic clock."""

    status: int
    content: bytes
    began: float
    ended: float
    stays_open: bool
    says_when: bool = False
    """It has a Retry-After."""

    @property
    def body(self) -> Any:
        return json.loads(self.content)


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answered_at: float | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection(HOST, port))

    @property
    def own_port(self) -> int:
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    @property
    def is_usable(self) -> bool:
        is_fresh = self._answered_at is None or time.monotonic() - self._answered_at < IDLE_AT_MOST
        return is_fresh and not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, request: bytes) -> Answer:
        """Raises Unanswered."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(WITHIN):
                self._writer.write(request)
                head = await self._reader.readuntil(b"\r\n\r\n")
                status, length, stays_open = read_head(head)
                content = await self._reader.readexactly(length)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise Unanswered(began, was_open=self._answered_at is not None, why=error) from error
        self._answered_at = time.monotonic()
        return Answer(status, content, began, self._answered_at, stays_open, b"\r\nretry-after: " in head.lower())

    def say(self, request: bytes) -> None:
        """Without waiting for the answer."""
        self._writer.write(request)

    def close(self) -> None:
        self._writer.close()


class Client:
    """Asks a server, or only that `worker` of it (a process id)."""

    def __init__(self, port: int, worker: int | None = None) -> None:
        self._port = port
        self._worker = worker
        self._idle: list[Connection] = []

    async def ask(self, method: str, path: str, *, anew: bool = False, **parts: Any) -> Answer:
        """`anew`: over a connection of its own; `parts` are those of `request`. Raises Unanswered, OSError."""
        connection = await (self.opened() if anew else self._taken())
        try:
            answer = await connection.ask(request(method, path, **parts))
        except BaseException:
            connection.close()
            raise
        if anew or not answer.stays_open:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    async def get(self, path: str, *, status: int, **parts: Any) -> Any:
        return await self._expect(status, "GET", path, **parts)

    async def post(self, path: str, *, status: int, **parts: Any) -> Any:
        return await self._expect(status, "POST", path, **parts)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _expect(self, status: int, method: str, path: str, **parts: Any) -> Any:
        """The body of an answer that has to have this status."""
        answer = await self.ask(method, path, **parts)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.content!r}"
        return answer.body

    async def _taken(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return await self.opened()

    async def opened(self) -> Connection:
        """A new connection to whom this asks."""
        if self._worker is None:
            return await Connection.open(self._port)
        for _ in range(MOST_CONNECTIONS):
            connection = await Connection.open(self._port)
            await connection.ask(request("GET", "//health"))
            theirs = psutil.Process(self._worker).net_connections("tcp")
            if any(found.raddr and found.raddr.port == connection.own_port for found in theirs):
                return connection
            connection.close()
        raise AssertionError(f"Of {MOST_CONNECTIONS} connections none was taken by process {self._worker}.")


def request(
    method: str,
    path: str,
    *,
    token: str | None = None,
    key: str | None = None,
    body: Any = None,
    form: dict[str, str] | None = None,
    once: str | None = None,
) -> bytes:
    """Under `/api/v1`, or at the root for a path that begins with `//`. `body` goes as JSON, `once` as the key with
    which a request may be repeated."""
    target = path[1:] if path.startswith("//") else f"/api/v1{path}"
    content, kind = b"", ""
    if body is not None:
        content, kind = json.dumps(body).encode(), "application/json"
    elif form is not None:
        content, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "User-Agent: drill"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if key is not None:
        lines.append(f"X-API-Key: {key}")
    if once is not None:
        lines.append(f"Idempotency-Key: {once}")
    if kind:
        lines.append(f"Content-Type: {kind}")
    if content or method != "GET":
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def read_head(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body, and whether the connection stays open."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines if line)
    return int(first.split()[1]), int(fields.get("content-length", 0)), fields.get("connection") != "close"

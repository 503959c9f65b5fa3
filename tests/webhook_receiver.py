"""A real HTTP server that receives webhooks, and answers as a test wants it to."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

Respond = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]
"""What is written in answer to a request; the connection is closed behind it."""


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """As a receiver does it, with the public package. Raises where the signature is none of this secret."""
        return Webhook(secret).verify(self.body, self.headers)


def answering(status: int, *headers: str, body: str = "") -> Respond:
    async def respond(_: Received, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    return respond


async def hang(_: Received, writer: asyncio.StreamWriter) -> None:
    """No answer, ever."""
    await asyncio.Event().wait()


async def reset(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def drip_for_ever(_: Received, writer: asyncio.StreamWriter) -> None:
    """A status, and then a body that does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    with suppress(ConnectionError):
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0)


OK = answering(204)


@dataclass
class Receiver:
    port: int
    received: list[Received] = field(default_factory=list)
    script: deque[Respond] = field(default_factory=deque)
    """For the next requests; behind it, `usually`."""
    usually: Respond = OK
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def taken(self) -> list[Received]:
        found, self.received = self.received, []
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = await _read(reader)
            if request is not None:
                self.received.append(request)
                respond = self.script.popleft() if self.script else self.usually
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await respond(request, writer)
                    await writer.drain()
                finally:
                    self.at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver(0)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    _, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    return Received(path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

"""A client that says nothing is not waited for; one that says something late is answered, though the server stops."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from entrypoints.http import connections
from entrypoints.http.app import create_app
from entrypoints.http.connections import OrderlyProtocol
from entrypoints.settings import Settings

ASK = b"GET /health HTTP/1.1\r\nHost: club.example\r\n\r\n"


class Line:
    """A connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self) -> bytes:
        """The answer's head."""
        self.writer.write(ASK)
        head = await self.reader.readuntil(b"\r\n\r\n")
        await self.reader.readexactly(len(b'{"status":"ok"}'))
        return head.lower()

    async def is_closed(self) -> bool:
        """Waits until something comes, or it ends."""
        return await self.reader.read(1) == b""


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    app = create_app(Settings(bcrypt_cost=4), in_memory=True)
    serving = uvicorn.Server(uvicorn.Config(app, http=OrderlyProtocol, log_config=None, timeout_graceful_shutdown=5))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serve = asyncio.create_task(serving._serve([listening]))
        while not serving.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        serving.address = listening.getsockname()  # type: ignore[attr-defined]
        yield serving
        serving.should_exit = True
        await serve


@asynccontextmanager
async def connected(server: uvicorn.Server) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection(*server.address)  # type: ignore[attr-defined]
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("said", [b"", ASK[:20]])
async def test_who_never_says_what_they_want_is_cut_off(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 0.1)
    async with connected(server) as line:
        line.writer.write(said)
        assert await asyncio.wait_for(line.is_closed(), 5)


async def test_so_is_who_asks_again_in_part(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 0.1)
    async with connected(server) as line:
        assert b"200 ok" in await line.ask()
        line.writer.write(ASK[:20])
        assert await asyncio.wait_for(line.is_closed(), 4)  # before uvicorn's own 5 seconds for idle ones


async def test_a_connection_outlives_what_headers_get_as_long_as_it_is_used(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 0.1)
    async with connected(server) as line:
        for _ in range(3):
            assert b"200 ok" in await line.ask()
            await asyncio.sleep(0.15)


async def test_what_is_asked_while_the_server_stops_is_answered_once(server: uvicorn.Server) -> None:
    async with connected(server) as fresh, connected(server) as used:
        assert b"connection: close" not in await used.ask()
        stopping = asyncio.create_task(server.shutdown())
        await asyncio.sleep(0.05)
        for line in (fresh, used):
            head = await line.ask()
            assert b"200 ok" in head
            assert b"connection: close" in head
            assert await line.is_closed()
        await stopping
        server.started = False


async def test_what_nothing_is_asked_on_is_closed_when_the_server_stops(server: uvicorn.Server) -> None:
    async with connected(server) as line:
        await line.ask()
        await server.shutdown()
        server.started = False
        assert await line.is_closed()

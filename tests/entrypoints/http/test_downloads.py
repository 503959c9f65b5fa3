"""Files that are sent while they are read: whatever happens, they are closed, and a part never looks like the whole."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from domain.errors import Unavailable
from entrypoints.http import downloads
from entrypoints.http.connections import CUT_OFF, OrderlyProtocol
from entrypoints.http.downloads import WITHOUT_BODY, Download

AWAY = Unavailable("database-unavailable", "The database does not answer.")


@dataclass
class Reading:
    """A file without an end, or one that fails; and what became of it."""

    error: Exception | None = None
    after: int = 1
    part: bytes = b"part\r\n"
    read: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_closed(self) -> bool:
        return self.closed.is_set()

    async def parts(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.error is None or self.read < self.after:
                self.read += 1
                yield self.part
                await asyncio.sleep(0)
            raise self.error
        finally:
            self.closed.set()

    def download(self) -> Download:
        return Download(self.parts(), filename="things.csv", media_type="text/csv")


@dataclass
class Connection:
    """The server's end of one, as ASGI has it; the client takes `patience` parts of the answer, and then no more."""

    patience: int = 1_000_000
    leaves_after: int = 1_000_000
    sent: list[Message] = field(default_factory=list)
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    was_cut_off: bool = False

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if len(self.sent) > self.patience:
            self.stuck.set()
            await asyncio.Event().wait()
        self.sent.append(message)
        if len(self.sent) > self.leaves_after:
            self.gone.set()

    def cut_off(self) -> None:
        self.was_cut_off = True
        self.gone.set()

    async def answer(self, download: Download, **state: Any) -> None:
        async with asyncio.timeout(10):
            scope: Scope = {"type": "http", "state": state, "extensions": {CUT_OFF: self.cut_off}}
            await download(scope, self.receive, self.send)

    @property
    def looks_whole(self) -> bool:
        return any(message.get("more_body") is False for message in self.sent)


async def test_a_client_that_leaves_closes_the_file() -> None:
    reading, connection = Reading(), Connection(leaves_after=5)
    await connection.answer(reading.download())
    assert reading.is_closed
    assert not connection.was_cut_off
    assert not connection.looks_whole


async def test_a_client_that_takes_nothing_any_more_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "TAKEN_WITHIN", 0.02)
    reading, connection = Reading(), Connection(patience=3)
    await connection.answer(reading.download())
    assert reading.is_closed
    assert connection.was_cut_off
    assert not connection.looks_whole


async def test_what_cannot_be_read_to_its_end_is_cut_off() -> None:
    reading, connection = Reading(AWAY, after=3), Connection()
    await connection.answer(reading.download())
    assert len(connection.sent) == 1 + 3
    assert reading.is_closed
    assert connection.was_cut_off
    assert not connection.looks_whole


async def test_a_mistake_of_ours_is_raised() -> None:
    connection = Connection()
    with pytest.raises(ZeroDivisionError):
        await connection.answer(Reading(ZeroDivisionError()).download())
    assert not connection.looks_whole


async def test_what_cannot_be_read_at_all_is_answered_with_an_error() -> None:
    connection = Connection()
    with pytest.raises(Unavailable):
        await connection.answer(Reading(AWAY, after=0).download())
    assert not connection.sent


async def test_of_a_head_nothing_is_read() -> None:
    reading, connection = Reading(), Connection()
    await connection.answer(reading.download(), **{WITHOUT_BODY: True})
    assert reading.read == 0
    assert [message.get("body") for message in connection.sent] == [None, b""]


async def test_who_is_cancelled_closes_the_file() -> None:
    """As a server that stops cancels what goes on for too long."""
    reading, connection = Reading(), Connection(patience=3)
    answering = asyncio.create_task(connection.answer(reading.download()))
    await connection.stuck.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert reading.is_closed


@pytest.mark.parametrize("error", [AWAY, None], ids=["the database goes away", "the client takes nothing any more"])
async def test_a_client_sees_that_it_was_broken_off(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real connection, by our server."""
    monkeypatch.setattr(downloads, "TAKEN_WITHIN", 0.2)
    reading = Reading(error, after=3, part=b"x" * 100_000)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reading.download()(scope, receive, send)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=OrderlyProtocol, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1/users.csv"
        async with asyncio.timeout(10), httpx.AsyncClient() as client, client.stream("GET", url) as answer:
            await reading.closed.wait()
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                async for _ in answer.aiter_bytes():
                    pass
        server.should_exit = True
        await serving
    assert reading.is_closed

"""A real server in the loop of the test, and clients on sockets: what tests of the live channel share."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from adapters.mail import MemoryMailer
from entrypoints.http.app import create_app
from entrypoints.http.connections import OrderlyProtocol
from entrypoints.http.live_protocol import LARGEST_MESSAGE, LiveProtocol
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import OPERATOR, Api, Tokens

WITHIN = 10.0
"""Seconds in which what is waited for has to come; nothing is about how fast."""

Message = dict[str, Any]


@dataclass
class LiveClient:
    """One socket, and all that came over it."""

    socket: ClientConnection
    came: list[Message] = field(default_factory=list)

    async def send(self, type: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def next(self, type: str | None = None, **wanted: object) -> Message:
        """The next message of this type, with these fields; what comes before it is passed over."""
        async with asyncio.timeout(WITHIN):
            while True:
                message: Message = json.loads(await self.socket.recv())
                self.came.append(message)
                assert type != "message" or message["type"] != "error", message
                if type in (None, message["type"]) and all(message.get(k) == v for k, v in wanted.items()):
                    return message

    async def join(self, room: str, **fields: object) -> Message:
        await self.send("join", room=room, **fields)
        while (message := await self.next(room=room))["type"] != "error":
            if message["type"] == "joined" and "here" in message:
                return message
        return message

    async def say(self, room: str, text: str) -> Message:
        await self.send("say", room=room, text=text)
        return await self.next("message", room=room, text=text)

    async def everything_up_to_now(self) -> list[Message]:
        """What has come already: the answer to a ping comes behind it."""
        begin = len(self.came)
        await self.send("ping")
        await self.next("pong")
        return self.came[begin:-1]

    async def closed(self) -> int | None:
        """The code with which the server closes."""
        async with asyncio.timeout(WITHIN):
            try:
                while True:
                    self.came.append(json.loads(await self.socket.recv()))
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None


@dataclass
class LiveServer:
    api: Api
    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/live"

    @asynccontextmanager
    async def socket(self, query: str = "", **options: Any) -> AsyncIterator[LiveClient]:
        async with connect(f"{self.url}{query}", proxy=None, close_timeout=1, **options) as opened:
            yield LiveClient(opened)

    @asynccontextmanager
    async def client(self, tokens: Tokens, **auth: object) -> AsyncIterator[LiveClient]:
        """Signed in with a token, and greeted."""
        async with self.socket() as client:
            await client.send("auth", token=tokens.access_token, **auth)
            await client.next("ready")
            yield client

    async def ticket(self, tokens: Tokens) -> str:
        answer = await self.api.call("POST", "/live/tickets", as_=tokens)
        assert answer.status_code == 200, answer.text
        ticket: str = answer.json()["ticket"]
        return ticket

    async def room(self, as_: Tokens, name: str = "lobby", **fields: object) -> None:
        answer = await self.api.call("POST", "/rooms", as_=as_, json={"name": name, "title": name.title(), **fields})
        assert answer.status_code == 201, answer.text


@asynccontextmanager
async def serving_live(
    store_name: str, settings: Settings, *, clock: OwnClock | None = None, jobs: bool = False
) -> AsyncIterator[LiveServer]:
    """As `moothall serve` would, in this very loop: so that a test can look into it."""
    own, mailer = clock or OwnClock(), MemoryMailer()
    app = create_app(settings, in_memory=store_name == "memory", clock=own, mailer=mailer, jobs=jobs)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=OrderlyProtocol,
            ws=LiveProtocol,
            ws_max_size=LARGEST_MESSAGE,
            ws_per_message_deflate=False,
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
        task = asyncio.create_task(server.serve([listening]))
        try:
            while not server.started:
                assert not task.done(), "the server did not start"
                await asyncio.sleep(0.01)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                yield LiveServer(Api(app, http, own, mailer), port, server)
        finally:
            server.should_exit = True
            await task


async def write_to(live: LiveServer, user: Message, title: str) -> None:
    """A notification, by the operator."""
    await live.api.application.notifications.send_notification(
        OPERATOR, user_id=UUID(user["id"]), title=title, body="World"
    )

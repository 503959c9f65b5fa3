"""Many WebSockets in one process, as cheap as they can be: a client that is slower than the server measures itself.

Handshakes and frames are those of RFC 6455; what comes is counted by how it begins, and read no further.
"""

import asyncio
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from websockets.frames import Frame, Opcode

from .servers import HOST, ServerError

SAID = b'{"type":"message"'
IS_IN = b'"here":'
OPENED_AT_ONCE = 50
_PATIENCE = 120.0  # seconds


def allow_sockets(count: int) -> None:
    """For this process and those that it starts. Raises ServerError where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1000
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise ServerError(f"{wanted} open files are needed, and {hard} allowed: ulimit -n {wanted}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass
class Crowd:
    """`said` counts messages that came to anybody, and `present` those who were told `is_in`."""

    is_in: bytes = IS_IN
    said: int = 0
    present: int = 0
    lost: int = 0
    members: list["Member"] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, port: int, path: str, openings: Sequence[Sequence[str]]) -> None:
        """A socket for each of the openings: what it says first."""
        for start in range(0, len(openings), OPENED_AT_ONCE):
            batch = openings[start : start + OPENED_AT_ONCE]
            self.members += await asyncio.gather(*(self._one(port, path, opening) for opening in batch))
            await self.wait_for(lambda: self.present >= len(self.members))

    async def wait_for(self, holds: Callable[[], bool]) -> None:
        """Raises ServerError where it takes too long, or somebody was put out."""
        async with asyncio.timeout(_PATIENCE):
            while not holds():
                if self.lost:
                    raise ServerError(f"{self.lost} of {len(self.members)} sockets were closed")
                self._changed.clear()
                await self._changed.wait()

    def changed(self) -> None:
        self._changed.set()

    def close(self) -> None:
        for member in self.members:
            member.crowd = None
            member.transport.abort()

    async def _one(self, port: int, path: str, opening: Sequence[str]) -> "Member":
        _, member = await asyncio.get_running_loop().create_connection(lambda: Member(self), HOST, port)
        await member.shake_hands(port, path)
        for text in opening:
            member.say(text)
        return member


class Member(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, crowd: Crowd) -> None:
        self.crowd: Crowd | None = crowd
        self._shaken = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._is_in = False

    async def shake_hands(self, port: int, path: str) -> None:
        self.transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await self._shaken

    def say(self, text: str) -> None:
        self.transport.write(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._shaken.done():
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._buffer = rest
            if b" 101 " not in head:
                self._shaken.set_exception(ServerError(head.decode("latin-1")))
                return
            self._shaken.set_result(None)
        self._read_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.crowd is not None:
            self.crowd.lost += 1
            self.crowd.changed()

    def _read_frames(self) -> None:
        buffer, start, crowd = self._buffer, 0, self.crowd
        while len(buffer) - start >= 2:
            length, begin = buffer[start + 1], start + 2
            if length >= 126:
                begin += 2 if length == 126 else 8
                length = int.from_bytes(buffer[start + 2 : begin], "big") if len(buffer) >= begin else len(buffer)
            if len(buffer) < begin + length:
                break
            if buffer[start] == 0x89:
                self.transport.write(Frame(Opcode.PONG, buffer[begin : begin + length]).serialize(mask=True))
            elif crowd is not None and buffer.startswith(SAID, begin):
                crowd.said += 1
                if crowd.said % len(crowd.members) == 0:
                    crowd.changed()
            elif crowd is not None and not self._is_in and crowd.is_in in buffer[begin : begin + length]:
                self._is_in = True
                crowd.present += 1
                crowd.changed()
            start = begin + length
        self._buffer = buffer[start:]

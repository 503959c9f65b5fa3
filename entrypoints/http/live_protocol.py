"""WebSockets as uvicorn serves them, with two mends: what goes to many is written as it is, and whoever does not read
is put out."""

import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

EXTENSION = "moothall.socket"
"""Where the scope of a connection holds its protocol."""
LARGEST_BACKLOG = 256 * 1024
"""Bytes that wait for a client, behind those that are on their way to it; one message more may come on top."""
LARGEST_MESSAGE = 64 * 1024
"""Bytes that a client may send at once: 4,000 characters in any notation of JSON, and room."""
PING_EVERY = 20.0
ANSWERED_WITHIN = 20.0
"""Seconds; a client that does not answer a ping in time is gone."""


class LiveProtocol(WebSocketsSansIOProtocol):
    """`write_frame` and `put_out` do what ASGI has no message for; neither waits."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The usual ones tell the whole address, with the ticket in it, and every message: one of them is a token.
        self.logger = self.conn.logger = _log
        self.conn.debug = False

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment]

    def handle_ping(self) -> None:
        """Who sends pings and does not read the answers would fill the memory with them."""
        if self.transport.get_write_buffer_size() > LARGEST_BACKLOG:
            self.transport.abort()
        else:
            super().handle_ping()

    def write_frame(self, frame: bytes) -> bool:
        """A whole frame, as `frame_of` makes it. False, and nothing is written, where too much waits already."""
        transport = self.transport
        if self.close_sent or transport.is_closing():
            return True
        if transport.get_write_buffer_size() > LARGEST_BACKLOG:
            return False
        transport.write(frame)
        return True

    def put_out(self, code: int, reason: str) -> None:
        """Close; a client that does not take that either is cut off after a while."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)


def frame_of(opcode: Any, data: bytes) -> bytes:
    """What a server sends is the same for all: nothing is masked (RFC 6455, section 5.1), nothing compressed."""
    return Frame(opcode, data).serialize(mask=False)


_log = logging.getLogger("moothall.live.sockets")
_log.setLevel(logging.WARNING)

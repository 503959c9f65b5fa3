"""WebSockets as uvicorn serves them, with what ASGI has no message for: what goes to many is written as it is; whoever
does not read, or floods, is put out; and a connection that was closed ends, whether or not the client takes that."""

import asyncio
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
CUT_OFF_AFTER = 5.0
STOPPING_CUT_OFF_AFTER = FLOOD_CUT_OFF_AFTER = 1.0
"""Seconds that a connection which was closed still gets for what is on its way; less when this process ends, and for
who floods."""
MOST_FRAMES = 1000
"""In a second, of any kind: empty ones cost as much as others."""
PIECE = 4096
"""Bytes that are looked at before it is asked whether there were too many frames."""

KEEPALIVE_FAILED = 1011
PROTOCOL_ERROR = 1008


class LiveProtocol(WebSocketsSansIOProtocol):
    """`write_frame` and `put_out` never wait."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The usual ones tell the whole address, with the ticket in it, and every message: one of them is a token.
        self.logger = self.conn.logger = _log
        self.conn.debug = False
        self._lost = self.loop.create_future()
        self._cutting: asyncio.TimerHandle | None = None
        self._second = 0.0
        self._frames = 0

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment]

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # it was refused; else the log has an error each time

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._cutting is not None:
            self._cutting.cancel()
        if not self._lost.done():
            self._lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self.close_sent and self.handshake_complete and self._frames > MOST_FRAMES:
                return
            super().data_received(data[start : start + PIECE])

    def handle_events(self) -> None:
        """What a client sends without being asked is counted before anything is done about it."""
        now = self.loop.time()
        if now - self._second >= 1:
            self._second, self._frames = now, 0
        self._frames += len(self.conn.events)
        if self._frames > MOST_FRAMES and self.handshake_complete:
            self.conn.events.clear()
            self.put_out(PROTOCOL_ERROR, "too many frames")
            self.cut_off_after(FLOOD_CUT_OFF_AFTER)
            return
        super().handle_events()

    def handle_ping(self) -> None:
        """Who sends pings and does not read the answers would fill the memory with them."""
        if self.transport.get_write_buffer_size() > LARGEST_BACKLOG:
            self.transport.abort()
        else:
            super().handle_ping()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self.cut_off_after(CUT_OFF_AFTER)

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self.cut_off_after(CUT_OFF_AFTER)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": KEEPALIVE_FAILED})
        self.cut_off_after(CUT_OFF_AFTER)

    def shutdown(self) -> None:
        super().shutdown()
        self.cut_off_after(STOPPING_CUT_OFF_AFTER)

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
        """Close, and hear nothing more of the client but that it closes, too. The second time does nothing."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        self.cut_off_after(CUT_OFF_AFTER)

    def cut_off_after(self, seconds: float) -> None:
        """Closing waits until the client has taken what is on its way, which it may never do. The soonest counts."""
        if self._lost.done() or (self._cutting is not None and self._cutting.when() <= self.loop.time() + seconds):
            return
        if self._cutting is not None:
            self._cutting.cancel()
        self._cutting = self.loop.call_later(seconds, self.transport.abort)

    async def gone(self) -> None:
        """Close it, unless that is under way, and wait until it is."""
        if self.close_timer is None:
            self.transport.close()
        self.cut_off_after(CUT_OFF_AFTER)
        await asyncio.shield(self._lost)


def frame_of(opcode: Any, data: bytes) -> bytes:
    """What a server sends is the same for all: nothing is masked (RFC 6455, section 5.1), nothing compressed."""
    return Frame(opcode, data).serialize(mask=False)


_log = logging.getLogger("moothall.live.sockets")
_log.setLevel(logging.WARNING)

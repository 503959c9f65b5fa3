"""How messages reach a client without a queue: straight into its socket."""

import asyncio
from collections.abc import Callable

from websockets.frames import Opcode

from application.live.outgoing import Ending, Outgoing
from entrypoints.http.live_protocol import LiveProtocol, frame_of
from entrypoints.queue_outlet import DRAINED_WITHIN, Gone


class SocketOutlet:
    """Into a WebSocket, without a queue or a task of its own: what the client does not take waits in the transport.
    `close_code` tells how an ending is told; `too_slow` is called when too much waits."""

    __slots__ = ("_close_code", "_socket", "_too_slow", "_write")

    def __init__(
        self, socket: LiveProtocol, close_code: Callable[[Ending], tuple[int, str]], too_slow: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._write = socket.write_frame
        self._close_code = close_code
        self._too_slow = too_slow

    def tell(self, outgoing: Outgoing) -> None:
        if not self._write(_framed(outgoing)):
            self._too_slow()

    def end(self, ending: Ending) -> None:
        self._socket.put_out(*self._close_code(ending))

    async def drained(self) -> None:
        """Raises Gone."""
        if not self._socket.writable.is_set():
            try:
                async with asyncio.timeout(DRAINED_WITHIN):
                    await self._socket.writable.wait()
            except TimeoutError:
                self._too_slow()
        if self._socket.close_sent or self._socket.disconnected:
            raise Gone


_last: tuple[Outgoing | None, bytes] = None, b""


def _framed(outgoing: Outgoing) -> bytes:
    """What goes to many goes to one after the other: so the last frame that was made is kept."""
    global _last
    kept, frame = _last
    if kept is not outgoing:
        frame = frame_of(Opcode.TEXT, outgoing.text.encode())
        _last = outgoing, frame
    return frame

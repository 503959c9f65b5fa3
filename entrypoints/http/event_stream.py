"""Server-Sent Events (WHATWG HTML, section 9.2): what a live connection is told, one event after the other."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress

from fastapi.responses import Response
from fastapi.sse import format_sse_event
from starlette.types import Message, Receive, Scope, Send

from application.live.connection import Connection
from application.live.outgoing import Ending, Outgoing
from application.live.views import RoomView
from domain.errors import MoothallError
from domain.live.cursor import Cursor, read_cursors, stream_of
from entrypoints.http.connections import client_left, cut_off
from entrypoints.queue_outlet import Gone, QueueOutlet

STILL_HERE_EVERY = 15.0
"""Seconds of silence after which a comment is sent, so that nobody in between takes the stream for dead."""
LAST_WORDS = 2.0
"""Seconds in which a client whose stream is over has to take what it is still told."""
RETRY_AFTER = 1_000
"""Milliseconds after which a browser comes again."""


class EventStream(Response):
    """Goes on until the client leaves, or the connection is ended. The id of each event holds where the client is in
    all that it listens to: a browser sends it back as `Last-Event-ID`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        connection: Connection,
        outlet: QueueOutlet,
        *,
        rooms: Sequence[RoomView],
        since: Mapping[str, Cursor],
        place: AbstractContextManager[None],
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._connection = connection
        self._outlet = outlet
        self._rooms = rooms
        self._since = since
        self._place = place
        followed = {stream_of(thing) for thing in (connection.actor.user_id, *(room.id for room in rooms)) if thing}
        self._seen = {stream: str(cursor) for stream, cursor in since.items() if stream in followed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Throttled and Unavailable, before anything is answered."""
        with self._place:
            telling = asyncio.create_task(self._tell())
            leaving = asyncio.create_task(client_left(receive))
            sending = asyncio.create_task(self._send(send))
            ending = asyncio.create_task(self._outlet.over.wait())
            tasks = (telling, leaving, sending, ending)
            try:
                await asyncio.wait([leaving, sending, ending], return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    await asyncio.wait([leaving, sending], timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
                if not (leaving.done() or sending.done()):
                    cut_off(scope)
                    await leaving
            finally:
                self._connection.close()
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    async def _tell(self) -> None:
        """What was missed, and then all that comes; what cannot be told ends the stream, and the client comes again."""
        with suppress(Gone):
            try:
                await self._connection.open(self._since)
                for room in self._rooms:
                    await self._connection.join(room.name, self._since)
            except MoothallError as error:
                self._outlet.tell(Outgoing.refusal(error))
                self._outlet.end(Ending.RESTARTING)
            except Exception:
                self._outlet.end(Ending.RESTARTING)
                raise

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send(_body(format_sse_event(retry=RETRY_AFTER)))
        while True:
            try:
                async with asyncio.timeout(STILL_HERE_EVERY):
                    outgoing = await self._outlet.next()
            except TimeoutError:
                await send(_body(format_sse_event(comment="still here")))
                continue
            if outgoing is None:
                break
            await send(_body(self._event(outgoing)))
        await send({"type": "http.response.body", "body": b""})

    def _event(self, outgoing: Outgoing) -> bytes:
        if outgoing.cursor is not None:
            self._seen.update({stream: str(cursor) for stream, cursor in read_cursors(outgoing.cursor).items()})
        return format_sse_event(
            data_str=outgoing.text, event=outgoing.message["type"], id=",".join(self._seen.values()) or None
        )


def _body(part: bytes) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": True}

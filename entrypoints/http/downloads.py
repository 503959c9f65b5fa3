"""Files that are sent while they are read."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from domain.errors import MoothallError
from entrypoints.http.connections import client_left, cut_off
from entrypoints.http.resources import NO_STORE

log = logging.getLogger("moothall.http")

WITHOUT_BODY = "without_body"
"""Set in the state of a request whose method was HEAD."""

TAKEN_WITHIN = 60.0
"""Seconds that a client gets to take a part: what is read is kept for it meanwhile."""


class Download(Response):
    """Is closed at its end, when the client leaves, or when it takes nothing any more. What cannot be read to its end
    breaks the connection without the last chunk (RFC 9112, section 7.1): nobody shall take it for the whole."""

    def __init__(self, parts: AsyncGenerator[bytes, None], *, filename: str, media_type: str) -> None:
        """There is a first part, though there may be no other."""
        super().__init__(
            headers={**NO_STORE, "Content-Disposition": f'attachment; filename="{filename}"'}, media_type=media_type
        )
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises what reading the first part raises, before anything is answered. For HEAD none is read."""
        async with aclosing(self._parts):
            if WITHOUT_BODY in scope["state"]:
                await self._begin(send)
                await send(_part(b"", more=False))
                return
            first = await anext(self._parts)
            await self._begin(send)
            leaving = asyncio.create_task(client_left(receive))
            sending = asyncio.create_task(self._send(first, send, scope, leaving))
            tasks = (leaving, sending)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send(self, first: bytes, send: Send, scope: Scope, leaving: asyncio.Task[None]) -> None:
        """Raises what is a mistake of ours; and where the server cannot break connections, whatever went wrong."""
        try:
            await self._send_in_time(_part(first), send)
            async for part in self._parts:
                await self._send_in_time(_part(part), send)
            await self._send_in_time(_part(b"", more=False), send)
        except (MoothallError, TimeoutError) as error:
            if not cut_off(scope):
                raise
            log.warning("a download was broken off: %s", str(error) or "the client took nothing any more")
            await asyncio.wait([leaving])

    async def _send_in_time(self, part: Message, send: Send) -> None:
        async with asyncio.timeout(TAKEN_WITHIN):
            await send(part)


def _part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}

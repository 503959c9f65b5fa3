"""What the processes on one PostgreSQL database tell each other, by LISTEN and NOTIFY.

A notice goes out with the COMMIT that it speaks of, or not at all; whoever listens hears them in the order of the
commits (https://www.postgresql.org/docs/18/sql-notify.html).
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from adapters.sql.failures import translated, unavailable
from domain.errors import Unavailable

log = logging.getLogger("moothall.database")

_ASKED_EVERY = 0.25
_ANSWERS_WITHIN = 0.5
_TRIED_AGAIN_AFTER = 0.5
"""Seconds."""
_LISTENS_TO = "SELECT count(*) FROM pg_listening_channels()"


class Notices:
    """Listens on a connection of its own, from the first `attend` on; it is opened again when it was lost."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._listeners: dict[str, Callable[[str], None]] = {}
        self._on_gap: list[Callable[[], None]] = []
        self._listening: asyncio.Task[None] | None = None
        self._heard_until = -math.inf

    @property
    def heard_until(self) -> float:
        """A moment of the monotonic clock, in seconds: what was committed before that has been heard."""
        return self._heard_until

    def listen(self, channel: str, heard: Callable[[str], None], *, on_gap: Callable[[], None] | None = None) -> None:
        """To be called before the first `attend`. `heard` gets the payload of each notice; `on_gap` is called when some
        may have been missed."""
        self._listeners[channel] = heard
        if on_gap is not None:
            self._on_gap.append(on_gap)

    def attend(self) -> None:
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._keep_listening(), context=Context())  # no request's

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _keep_listening(self) -> None:
        while True:
            try:
                with translated():
                    await self._listen()
            except Unavailable as error:
                log.debug("Not listening for what other processes do: %s", error)
            except Exception:
                log.exception("Not listening for what other processes do")
            await asyncio.sleep(_TRIED_AGAIN_AFTER)

    async def _listen(self) -> None:
        """Until the connection is lost. Whether it still listens is asked all the time: the answer comes behind all
        notices of what was committed before the question. (Behind a pooler another session may answer.)"""
        connection: Any = await self._connect()
        try:
            for channel in self._listeners:
                await connection.add_listener(channel, self._heard)
            for missed in self._on_gap:
                missed()
            while True:
                asked_at = time.monotonic()
                if await connection.fetchval(_LISTENS_TO, timeout=_ANSWERS_WITHIN) < len(self._listeners):
                    return
                self._heard_until = asked_at
                await asyncio.sleep(_ASKED_EVERY)
        except Exception as error:
            if connection.is_closed():
                raise unavailable() from error
            raise
        finally:
            connection.terminate()  # a good-bye could be waited for in vain

    def _heard(self, _: object, __: int, channel: str, payload: str) -> None:
        self._listeners[channel](payload)

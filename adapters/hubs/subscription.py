"""Hearing what comes through Redis's channels (https://redis.io/docs/latest/develop/pubsub/), in a Cluster through its
sharded ones."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import Context
from typing import Any

from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterPubSub

from adapters.redis_client import FAILURES, RedisServer, close, open_client

log = logging.getLogger("moothall.live")

ASKED_AFTER = 0.5
"""Seconds of silence after which the server is asked whether it is still there."""
MOST_UNANSWERED = 3
"""Counted, not timed: where this process was held up, the answers may have come long since."""
TRIED_AGAIN_AFTER = 0.5
"""Seconds."""


class Subscription:
    """To all of the channels, from `start` to `close`; it is made again when it was lost. `heard` gets each message;
    `missed` is called whenever the subscription stands (again). Both may not fail."""

    def __init__(
        self,
        server: RedisServer,
        timeout: float,
        channels: Sequence[str],
        heard: Callable[[bytes], None],
        missed: Callable[[], None],
    ) -> None:
        self._server = server
        self._timeout = timeout
        self._channels = channels
        self._heard = heard
        self._missed = missed
        self._keeping: asyncio.Task[None] | None = None
        self._confirmed = 0
        self._is_lost = False
        # Cancelling is not enough: before Python 3.12 `asyncio.wait_for`, in the library, may lose that.
        self._hearing = self._closed = False
        self._tidying = False

    def start(self) -> None:
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), context=Context())  # no request's

    def stands(self) -> bool:
        return self._confirmed == len(self._channels)

    async def close(self) -> None:
        self._closed = True
        self._hearing = False
        if self._keeping is not None:
            if not self._tidying:  # else it ends by itself; interrupted, it would leave connections open
                self._keeping.cancel()
            await asyncio.wait([self._keeping])

    async def _keep(self) -> None:
        while not self._closed:
            try:
                await self._hear_until_lost()
            except* FAILURES as errors:
                if not self._is_lost:
                    log.warning("Other processes are not heard (%s)", type(errors.exceptions[0]).__name__)
                self._is_lost = True
            except* Exception:
                log.exception("Other processes are not heard")
            self._tidying = False
            if not self._closed:
                await asyncio.sleep(TRIED_AGAIN_AFTER)

    async def _hear_until_lost(self) -> None:
        """With a new client each time, which asks Sentinel or a Cluster anew who has the channels."""
        async with AsyncExitStack() as opened:
            client = open_client(self._server, self._timeout, as_text=False)
            opened.push_async_callback(close, client)
            pubsub = client.pubsub()
            opened.push_async_callback(pubsub.aclose)
            self._hearing = True
            try:
                async with asyncio.TaskGroup() as tasks:
                    for connection in await self._subscribe(pubsub):
                        tasks.create_task(self._hear(connection))
            finally:
                self._confirmed = 0
                self._tidying = True

    async def _subscribe(self, pubsub: PubSub) -> list[PubSub]:
        """One for each connection on which something may be heard."""
        if isinstance(pubsub, ClusterPubSub):
            await pubsub.cluster.initialize()
            await pubsub.ssubscribe(*self._channels)
            return list(pubsub.node_pubsub_mapping.values())
        await pubsub.subscribe(*self._channels)
        return [pubsub]

    async def _hear(self, connection: PubSub) -> None:
        """Raises one of FAILURES once it is lost."""
        unanswered = 0
        try:
            while self._hearing:
                message = await connection.get_message(timeout=ASKED_AFTER)
                if message is not None:
                    unanswered = 0
                    self._take(message)
                    await asyncio.sleep(0)  # what has come already is read without a pause, and there may be much
                elif unanswered < MOST_UNANSWERED:
                    unanswered += 1
                    await connection.ping()
                else:
                    raise TimeoutError
        finally:
            self._hearing = False  # on the other connections neither

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "message" | "smessage":
                self._heard(message["data"])
            case "subscribe" | "ssubscribe":
                self._confirmed += 1
                if self.stands():
                    self._tell_that_it_stands()
                elif self._confirmed > len(self._channels):
                    raise ConnectionError  # it was lost, and the library made it anew by itself
            case "unsubscribe" | "sunsubscribe":
                raise ConnectionError  # another node of the Cluster has the channel now

    def _tell_that_it_stands(self) -> None:
        if self._is_lost:
            log.warning("Other processes are heard again")
        self._is_lost = False
        self._missed()

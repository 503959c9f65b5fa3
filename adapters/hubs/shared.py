"""A hub of all processes, through Redis's channels (https://redis.io/docs/latest/develop/pubsub/), in a Cluster through
its sharded ones."""

import asyncio
import json
import logging
import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import Context
from functools import partial
from typing import Any
from uuid import UUID

from redis.asyncio import RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterPubSub
from redis.exceptions import NoPermissionError

from adapters.hubs.local import LocalHub, call
from adapters.redis_client import FAILURES, Away, Circuit, RedisClient, RedisServer, close, open_client
from application.live.ports import Hub
from application.live.told import Told, Topic

log = logging.getLogger("moothall.live")

PREFIX = "moothall:live"
SHARDS = 16
"""Channels. All are heard by whoever listens, so that nobody who becomes interested in a thing has to subscribe first;
a Cluster spreads them over its nodes."""

MOST_WAITING = 4096
MOST_AT_ONCE = 256
"""Messages that wait to be sent, and that are sent in one go."""

ASKED_AFTER = 0.5
"""Seconds of silence after which the server is asked whether it is still there."""
MOST_UNANSWERED = 3
"""Counted, not timed: where this process was held up, the answers may have come long since."""
TRIED_AGAIN_AFTER = 0.5
WARNED_AFTER = 60.0
"""Seconds in which nothing is logged twice."""


class SharedHub(Hub):
    """Who listens here is told at once; the others through Redis, in the background. Close it before the circuit.

    `client` and `circuit` are for telling. Hearing needs a connection for itself (in a Cluster one to each node), which
    goes to `server`, and is made only if somebody listens; connecting may take `timeout` seconds."""

    def __init__(
        self, client: RedisClient, circuit: Circuit, server: RedisServer, timeout: float, *, prefix: str = PREFIX
    ) -> None:
        self._client = client
        self._circuit = circuit
        self._server = server
        self._timeout = timeout
        # Channels are the same in all databases of a server; here each has its own.
        self._channels = [f"{prefix}:{server.database}:{n}" for n in range(SHARDS)]
        self._origin = secrets.token_hex(8)
        self._here = LocalHub()
        self._on_gap: list[Callable[[], None]] = []
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._subscribed = 0
        # Cancelling is not enough: before Python 3.12 `asyncio.wait_for`, in the library, may lose that.
        self._hearing = False
        self._tidying = False
        self._warned_at: dict[str, float] = {}
        self._closed = False

    def publish(self, told: Told) -> None:
        self._here.publish(told)
        if self._closed:
            return
        if not self._circuit.is_reached():
            self._warn("Other processes are told nothing while Redis is away")
            return
        try:
            message = self._written(told)
        except Exception:
            log.exception("Other processes cannot be told of %s", told.topic)  # who publishes has done its work
            return
        if len(self._waiting) == MOST_WAITING:
            self._warn("Other processes are not told of everything: too much waits to be sent")
        self._waiting.append((self._channels[told.about.int % SHARDS], message))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_what_waits(), context=Context())  # no request's

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        self._here.listen(heard, on_gap=on_gap)
        self._on_gap.append(on_gap)
        if self._listening is None:
            self._listening = asyncio.create_task(self._keep_listening(), context=Context())  # no request's

    def is_whole(self) -> bool:
        return self._subscribed == SHARDS and self._circuit.is_reached()

    async def close(self) -> None:
        """Send what still waits, if that takes no longer than an answer may; then hear and tell nothing more."""
        self._closed = True
        self._hearing = False
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=2 * self._timeout)
            self._waiting.clear()
            self._sending.cancel()
            await asyncio.wait([self._sending])
        if self._listening is not None:
            if not self._tidying:  # else it ends by itself; interrupted, it would leave connections open
                self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _send_what_waits(self) -> None:
        while self._waiting:
            messages = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                await self._circuit.ask(partial(self._send, messages))
            except Away:
                self._warn("Other processes are told nothing while Redis is away")
                self._waiting.clear()
            except Exception:
                log.exception("Other processes cannot be told")

    async def _send(self, messages: list[tuple[str, str]]) -> None:
        command = "SPUBLISH" if isinstance(self._client, RedisCluster) else "PUBLISH"
        pipeline = self._client.pipeline(transaction=False)
        for channel, message in messages:
            pipeline.execute_command(command, channel, message)
        try:
            await pipeline.execute()
        except NoPermissionError:  # Redis is not away: what else it is used for may go on
            self._warn("Other processes are told nothing: this user of Redis may not publish to the channels")

    async def _keep_listening(self) -> None:
        while not self._closed:
            try:
                await self._hear_until_lost()
            except* FAILURES as errors:
                self._warn(f"Other processes are not heard ({type(errors.exceptions[0]).__name__})")
            except* Exception:
                log.exception("Other processes are not heard")
            self._tidying = False
            await asyncio.sleep(TRIED_AGAIN_AFTER)

    async def _hear_until_lost(self) -> None:
        """With a new client each time, which asks a Cluster anew who has which channel."""
        self._hearing = True
        async with AsyncExitStack() as opened:
            client = open_client(self._server, self._timeout, as_text=False)
            opened.push_async_callback(close, client)
            pubsub = client.pubsub()
            opened.push_async_callback(pubsub.aclose)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for connection in await _subscribe(pubsub, self._channels):
                        tasks.create_task(self._hear(connection))
            finally:
                self._subscribed = 0
                self._tidying = True

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
            self._hearing = False

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "message" | "smessage":
                self._read(message["data"])
            case "subscribe" | "ssubscribe":
                self._subscribed += 1
                if self._subscribed > SHARDS:
                    raise ConnectionError  # the library made a lost one anew by itself
                if self._subscribed == SHARDS:
                    self._tell_of_gap()
            case "unsubscribe" | "sunsubscribe":
                raise ConnectionError  # another node of the Cluster has the channel now

    def _tell_of_gap(self) -> None:
        log.info("Other processes are heard")
        for missed in self._on_gap:
            call(missed)

    def _written(self, told: Told) -> str:
        fields = {"origin": self._origin, "topic": told.topic.value, "about": told.about.hex, "data": dict(told.data)}
        return json.dumps(fields, separators=(",", ":"))

    def _read(self, message: bytes) -> None:
        """Another version, or somebody else, may have written it."""
        try:
            match json.loads(message):
                case {"origin": self._origin}:
                    return
                case {"topic": str(topic), "about": str(about), "data": dict(data)}:
                    told = Told(Topic(topic), UUID(about), data)
                case _:
                    raise ValueError
        except (ValueError, RecursionError):
            self._warn("What other processes tell cannot be read")
            return
        self._here.publish(told)

    def _warn(self, what: str) -> None:
        now = time.monotonic()
        if now - self._warned_at.get(what, -math.inf) >= WARNED_AFTER:
            self._warned_at[what] = now
            log.warning(what)


async def _subscribe(pubsub: PubSub, channels: list[str]) -> list[PubSub]:
    """One for each connection on which something may be heard."""
    if isinstance(pubsub, ClusterPubSub):
        await pubsub.cluster.initialize()
        await pubsub.ssubscribe(*channels)
        return list(pubsub.node_pubsub_mapping.values())
    await pubsub.subscribe(*channels)
    return [pubsub]

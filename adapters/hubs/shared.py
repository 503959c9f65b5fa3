"""A hub of all processes, through Redis."""

import asyncio
import json
import logging
import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from uuid import UUID

from redis.asyncio import RedisCluster
from redis.exceptions import NoPermissionError

from adapters.hubs.local import LocalHub, call
from adapters.hubs.subscription import Subscription
from adapters.redis_client import Away, Circuit, RedisClient, RedisServer
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

WARNED_AFTER = 60.0
"""Seconds in which nothing is logged twice."""
AWAY = "Other processes are told nothing while Redis is away"
TOO_MUCH = "Other processes are not told of everything: too much waits to be sent"
NOT_ALLOWED = "Other processes are told nothing: this user of Redis may not publish to the channels"
UNREADABLE = "What other processes tell cannot be read"


class SharedHub(Hub):
    """Who listens here is told at once; the others through Redis, in the background. Close it before the circuit.

    `client` and `circuit` are for telling. Hearing needs a connection for itself (in a Cluster one to each node), which
    goes to `server`, and is made only if somebody listens; to connect, and to answer, it may take `timeout` seconds."""

    def __init__(
        self, client: RedisClient, circuit: Circuit, server: RedisServer, timeout: float, *, prefix: str = PREFIX
    ) -> None:
        self._client = client
        self._circuit = circuit
        self._timeout = timeout
        # Channels are the same in all databases of a server; here each has its own.
        self._channels = [f"{prefix}:{server.database}:{n}" for n in range(SHARDS)]
        self._subscription = Subscription(server, timeout, self._channels, self._hear, self._miss)
        self._origin = secrets.token_hex(8)
        self._here = LocalHub()
        self._on_gap: list[Callable[[], None]] = []
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._warned_at: dict[str, float] = {}
        self._closed = False

    def publish(self, told: Told) -> None:
        self._here.publish(told)
        if self._closed:
            return
        if not self._circuit.is_reached():
            self._warn(AWAY)
            return
        try:
            message = self._written(told)
        except Exception:
            log.exception("Other processes cannot be told of %s", told.topic)  # who publishes has done its work
            return
        if len(self._waiting) == MOST_WAITING:
            self._warn(TOO_MUCH)
        self._waiting.append((self._channels[told.about.int % SHARDS], message))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_what_waits(), context=Context())  # no request's

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        self._here.listen(heard, on_gap=on_gap)
        self._on_gap.append(on_gap)
        self._subscription.start()

    def is_whole(self) -> bool:
        return self._subscription.stands() and self._circuit.is_reached()

    async def close(self) -> None:
        """Send what still waits, if that takes no longer than the circuit waits for an answer; then tell and hear
        nothing more."""
        self._closed = True
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=2 * self._timeout)
            self._waiting.clear()
            self._sending.cancel()
            await asyncio.wait([self._sending])
        await self._subscription.close()

    async def _send_what_waits(self) -> None:
        while self._waiting:
            messages = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                await self._circuit.ask(partial(self._send, messages))
            except Away:
                self._warn(AWAY)
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
            self._warn(NOT_ALLOWED)

    def _written(self, told: Told) -> str:
        fields = {"origin": self._origin, "topic": told.topic.value, "about": told.about.hex, "data": dict(told.data)}
        return json.dumps(fields, separators=(",", ":"))

    def _hear(self, message: bytes) -> None:
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
            self._warn(UNREADABLE)
            return
        self._here.publish(told)

    def _miss(self) -> None:
        for missed in self._on_gap:
            call(missed)

    def _warn(self, what: str) -> None:
        now = time.monotonic()
        if now - self._warned_at.get(what, -math.inf) >= WARNED_AFTER:
            self._warned_at[what] = now
            log.warning(what)

"""Redis: from a URL to a client, of one server, of Sentinel's master or of a Cluster; and how to go round it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from application.ports import Reachable

log = logging.getLogger("moothall.redis")

RedisClient = Redis | RedisCluster
Answer = TypeVar("Answer")

KINDS = {
    "redis": 6379,
    "rediss": 6379,
    "unix": None,
    "redis+sentinel": 26379,
    "rediss+sentinel": 26379,
    "redis+cluster": 6379,
    "rediss+cluster": 6379,
}
"""The schemes that there are, with the port of each; two s: TLS."""

FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What asking Redis may raise where it is away."""

MOST_CONNECTIONS = 50
REST = 1.0
"""Seconds for which a server that did not answer is left alone."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Where Redis is. `master` is the name that Sentinel knows it by; `database` is a number, always 0 in a Cluster."""

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    master: str | None = None
    database: int = 0
    username: str | None = None
    password: str | None = None

    @property
    def has_tls(self) -> bool:
        return self.kind.startswith("rediss")

    def __str__(self) -> str:
        """For people; without the password."""
        return f"{self.kind}://{self.path or ','.join(f'{host}:{port}' for host, port in self.hosts)}"

    @classmethod
    def of(cls, url: str) -> "RedisServer":
        """Raises ValueError, in words that do not repeat the URL: it may hold a password."""
        parts = urlsplit(url)
        if parts.scheme not in KINDS:
            raise ValueError(f"begins with one of {', '.join(f'{kind}://' for kind in KINDS)}")
        if parts.query or parts.fragment:
            raise ValueError("has nothing behind a ? or #")
        account, _, places = parts.netloc.rpartition("@")
        user, _, password = account.partition(":")
        secret: dict[str, Any] = {"username": unquote(user) or None, "password": unquote(password) or None}
        if parts.scheme == "unix":
            if not parts.path.startswith("/") or places:
                raise ValueError("names a socket by its whole path: unix:///run/redis.sock")
            return cls("unix", path=unquote(parts.path), **secret)
        hosts = tuple(_host(parts.scheme, place) for place in places.split(","))
        if parts.scheme.endswith("+sentinel"):
            master, _, number = parts.path.removeprefix("/").partition("/")
            if not master:
                raise ValueError("names the master behind the hosts: redis+sentinel://host:26379/mymaster")
            return cls(parts.scheme, hosts, master=unquote(master), database=_database(number), **secret)
        number = parts.path.removeprefix("/")
        if parts.scheme.endswith("+cluster") and number not in ("", "0"):
            raise ValueError("has no number of a database: a Cluster has only one")
        if not parts.scheme.endswith("+cluster") and len(hosts) > 1:
            raise ValueError("names one host; for several there are redis+sentinel:// and redis+cluster://")
        return cls(parts.scheme, hosts, database=_database(number), **secret)


def _host(scheme: str, place: str) -> tuple[str, int]:
    parts: SplitResult = urlsplit(f"//{place}")
    try:
        host, port = parts.hostname, parts.port or KINDS[scheme]
    except ValueError:
        host, port = None, None
    if not host or port is None:
        raise ValueError("names a host, and perhaps a port, such as redis://localhost:6379/0")
    return host, port


def _database(number: str) -> int:
    if number and not (number.isascii() and number.isdigit()):
        raise ValueError("ends with the number of a database, or with nothing")
    return int(number or 0)


def open_client(server: RedisServer, timeout: float, *, as_text: bool = True) -> RedisClient:
    """A client, which connects when it is first asked. Connecting and each answer may take `timeout` seconds. What
    comes is text, or bytes where it may be anything. A connection that broke is made anew, once, without a pause.

    Close it with `close`."""
    account: dict[str, Any] = {"username": server.username, "password": server.password}
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "decode_responses": as_text,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }
    if server.kind == "unix":
        pool = BlockingConnectionPool.from_url(
            f"unix://{server.path}", max_connections=MOST_CONNECTIONS, timeout=timeout, **account, **options
        )
        return Redis.from_pool(pool)
    tls: dict[str, Any] = {"ssl": True} if server.has_tls else {}
    if server.kind.endswith("+sentinel"):
        sentinel = Sentinel(server.hosts, sentinel_kwargs={**account, **options, **tls})  # type: ignore[no-untyped-call]
        master: Redis = sentinel.master_for(server.master or "", db=server.database, **account, **options, **tls)
        return master
    if server.kind.endswith("+cluster"):
        nodes = [ClusterNode(host, port) for host, port in server.hosts]
        return RedisCluster(startup_nodes=nodes, **account, **options, **tls)
    [(host, port)] = server.hosts
    scheme = "rediss" if server.has_tls else "redis"
    at = f"[{host}]" if ":" in host else host
    pool = BlockingConnectionPool.from_url(
        f"{scheme}://{at}:{port}/{server.database}",
        max_connections=MOST_CONNECTIONS,
        timeout=timeout,
        **account,
        **options,
    )
    return Redis.from_pool(pool)


async def close(client: RedisClient) -> None:
    """Close the client, and what it asks Sentinel with."""
    await client.aclose()
    pool = client.connection_pool if isinstance(client, Redis) else None
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


async def probe(client: RedisClient) -> None:
    """Whether it can be written to: one that is full, or a replica, answers a ping too. Raises one of FAILURES."""
    await client.set("moothall:probe", "", ex=60)


class Away(Exception):
    """Redis did not answer in time, or is left alone for a while."""


class Circuit(Reachable):
    """The way to Redis. After a failure it is shut, so that nobody waits for a server that hangs; after a rest Redis is
    asked in the background whether it is back."""

    def __init__(self, client: RedisClient, timeout: float, *, rest: float = REST) -> None:
        self._client = client
        # To connect, and to answer: the client's own timeouts come first, and close cleanly.
        self._longest = timeout * 2
        self._rest = rest
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    def is_reached(self) -> bool:
        return self._looking is None

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Raises Away."""
        if self._looking is not None:
            raise Away
        try:
            async with asyncio.timeout(self._longest):
                return await question()
        except FAILURES as error:
            self._shut(error)
            raise Away from error

    async def close(self) -> None:
        """Look no more, and close the client."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await close(self._client)

    def _shut(self, error: Exception) -> None:
        if self._looking is None:
            log.warning("Redis is away (%s); going on without it", type(error).__name__)
            self._looking = asyncio.get_running_loop().create_task(self._look(), context=Context())  # no request's

    async def _look(self) -> None:
        while not self._closed:  # before Python 3.12 `asyncio.wait_for`, in the library, may lose a cancellation
            await asyncio.sleep(self._rest)
            try:
                async with asyncio.timeout(self._longest):
                    await probe(self._client)
            except FAILURES:
                continue
            except Exception:
                log.exception("Redis cannot be asked")
                continue
            self._looking = None
            log.warning("Redis is back")
            return

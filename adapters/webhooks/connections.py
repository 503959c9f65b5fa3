"""Connections that lead to no machine within: what a name stands for is asked once, checked, and called.

Whoever checks a name and then has it resolved again can be told something else the second time (DNS rebinding). Here
the very address that was checked is connected to; TLS still wants a certificate for the name.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpcore
import httpx

from adapters.webhooks.addresses import Resolver, outside

MOST_TRIED = 4
"""Addresses of one name: each gets its share of the time, so that one that hangs does not use it up."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for a pool of httpcore."""

    def __init__(
        self, resolver: Resolver, *, to_loopback: bool, behind: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._resolver = resolver
        self._to_loopback = to_loopback
        self._behind = behind or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore has it)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises Refused, OSError (no such name), and what httpcore raises."""
        addresses = (await outside(self._resolver, host, to_loopback=self._to_loopback))[:MOST_TRIED]
        share = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._behind.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the name has another one
        return await self._behind.connect_tcp(str(addresses[-1]), port, share, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise OSError("Webhooks do not lead to sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        await self._behind.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class PooledTransport(httpx.AsyncBaseTransport):
    """A pool of httpcore as a transport of httpx, which takes no network backend itself. What goes wrong is told in
    httpcore's errors."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    async def aclose(self) -> None:
        await self._pool.aclose()

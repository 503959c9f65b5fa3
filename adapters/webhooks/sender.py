"""Sending: one client for all webhooks, and an end to everything that a receiver may draw out."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta

import httpcore
import httpx

from adapters.webhooks.addresses import Refused, Resolver
from adapters.webhooks.connections import GuardedBackend, PooledTransport
from application.webhooks.gate import MOST_AT_ONCE
from application.webhooks.ports import WebhookSender
from domain.webhooks.delivery import Answer

LARGEST_ANSWER = 16_384
"""Bytes of an answer's body that are read, so that its connection can be used again. Nothing is done with them."""
KEPT_OPEN_FOR = 30.0
"""Seconds that a connection without use stays open."""
USER_AGENT = "Moothall-Webhooks"


class HttpWebhookSender(WebhookSender):
    """`timeout` (seconds) bounds the connecting, each wait, and the whole."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        timeout: float,
        to_loopback: bool,
        backend: httpcore.AsyncNetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = timeout
        pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or ssl.create_default_context(),
            max_connections=MOST_AT_ONCE,
            max_keepalive_connections=MOST_AT_ONCE,
            keepalive_expiry=KEPT_OPEN_FOR,
            network_backend=GuardedBackend(resolver, to_loopback=to_loopback, behind=backend),
        )
        self._client = httpx.AsyncClient(
            transport=PooledTransport(pool), timeout=timeout, follow_redirects=False, trust_env=False
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        began, answer = time.monotonic(), Answer(error=f"There was no answer within {self._timeout:g} s.")
        try:
            async with asyncio.timeout(self._timeout):
                async with self._client.stream("POST", url, headers=sent, content=body) as response:
                    answer = Answer(response.status_code, retry_after=response.headers.get("retry-after"))
                    await _read_some(response)
        except Refused as error:
            answer = Answer(error=str(error))
        except (TimeoutError, httpcore.TimeoutException):
            pass  # the status counts, if it came
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if answer.status is None:
                answer = Answer(error=f"{type(error).__name__}: {error}".rstrip(": "))
        return Answer(answer.status, answer.error, answer.retry_after, timedelta(seconds=time.monotonic() - began))

    async def close(self) -> None:
        await self._client.aclose()


async def _read_some(response: httpx.Response) -> None:
    """Leaving before the end closes the connection."""
    read = 0
    async for part in response.aiter_raw():
        read += len(part)
        if read > LARGEST_ANSWER:
            return

"""The client is made when there is something to send: it takes long to import, and to read what is trusted."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.webhooks.addresses import Resolver
from application.webhooks.ports import WebhookSender
from domain.webhooks.delivery import Answer

if TYPE_CHECKING:
    from adapters.webhooks.sender import HttpWebhookSender


class LateWebhookSender(WebhookSender):
    """`timeout` in seconds."""

    def __init__(self, resolver: Resolver, *, timeout: float, to_loopback: bool) -> None:
        self._resolver = resolver
        self._timeout = timeout
        self._to_loopback = to_loopback
        self._sender: HttpWebhookSender | None = None
        self._making = asyncio.Lock()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async with self._making:
            if self._sender is None:
                self._sender = await asyncio.to_thread(self._make)
        return await self._sender.send(url, headers, body)

    def _make(self) -> "HttpWebhookSender":
        """In a thread: everybody else would wait."""
        from adapters.webhooks.sender import HttpWebhookSender  # noqa: PLC0415 (as above)

        return HttpWebhookSender(self._resolver, timeout=self._timeout, to_loopback=self._to_loopback)

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()

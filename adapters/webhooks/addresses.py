"""Names to addresses, of which all have to be in the world outside."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Protocol

from application.webhooks.ports import WebhookTargets
from domain.webhooks.targets import Address, address_of, is_loopback, is_outside, require_outside, target

LOOKUPS_AT_ONCE = 32
"""A look-up cannot be cancelled: each is a thread until the system gives up. There is one for a name."""
Ask = Callable[[str], Sequence[str]]
"""Of a thread: the addresses of a name. Raises OSError where there are none."""
SAVED_WITHIN = 2.0
"""Seconds that the look-up may take when a webhook is saved."""


class Resolver(Protocol):
    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses, as texts. Raises OSError where there are none."""
        ...


class SystemResolver(Resolver):
    """As the system resolves names, in threads of its own: a name server that hangs holds up nobody else."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or _look_up
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="webhook-names")
        self._asked: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def resolve(self, host: str) -> Sequence[str]:
        with suppress(ValueError):
            return [str(ip_address(host))]
        if host not in self._asked:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, host)
            self._asked[host] = asked
            asked.add_done_callback(partial(self._forget, host))
        return await asyncio.shield(self._asked[host])

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, host: str, asked: "asyncio.Future[Sequence[str]]") -> None:
        del self._asked[host]
        if not asked.cancelled():
            asked.exception()  # nobody may be waiting any more


def _look_up(host: str) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no name.") from error
    return list(dict.fromkeys(str(place[4][0]) for place in found))


class Refused(Exception):
    """The name stands for a machine that is not in the world outside."""


async def outside(resolver: Resolver, host: str, *, to_loopback: bool) -> Sequence[Address]:
    """Every address of the name, or of the address that it is already.

    Raises:
        Refused: one of them is not in the world outside, and no loopback where that is open.
        OSError: there are none.
    """
    found = [address_of(text) for text in await resolver.resolve(host)]
    if not found:
        raise OSError(f"{host} has no address.")
    if not all(is_outside(address) or (to_loopback and is_loopback(address)) for address in found):
        raise Refused(f"{host} leads to a machine that is not in the world outside.")
    return found


class GuardedTargets(WebhookTargets):
    def __init__(self, resolver: Resolver, *, https_only: bool, to_loopback: bool) -> None:
        self._resolver = resolver
        self._https_only = https_only
        self._to_loopback = to_loopback

    async def accepted(self, url: str) -> str:
        found = target(url, https_only=self._https_only, to_loopback=self._to_loopback)
        if found.address is None:
            try:
                async with asyncio.timeout(SAVED_WITHIN):
                    addresses = [address_of(text) for text in await self._resolver.resolve(found.host)]
            except (OSError, ValueError):  # a timeout is an OSError too
                return found.url
            for address in addresses:
                require_outside(address, to_loopback=self._to_loopback)
        return found.url

"""Ports that fail, are slow or answer too late, where a tester wants to see what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from application.access.ports import AccessQueries
from application.audit.ports import AuditQueries
from application.blobs import BlobStore
from application.idempotency import IdempotencyQueries
from application.identity.ports import IdentityQueries, PasswordHasher
from application.imports.ports import ImportQueries
from application.jobs.ports import JobQueries
from application.live.ports import LiveQueries
from application.mail import Mailer
from application.notifications.ports import NotificationQueries
from application.orders.ports import OrderQueries, PaymentGateways
from application.ports import StoreHealth
from application.posts.ports import PostQueries
from application.products.ports import ProductQueries
from application.profiles.ports import ProfileQueries
from application.unit_of_work import Transactions
from application.webhooks.ports import WebhookQueries, WebhookSender
from domain.errors import Invalid, Unavailable
from domain.webhooks.delivery import Answer


class How(StrEnum):
    """`fail`: nothing is done. `slow`: it is done, after a while. `late`: it is done, and whoever asked for it is told
    that it failed, as when an answer is lost on its way."""

    FAIL = "fail"
    SLOW = "slow"
    LATE = "late"


@dataclass(frozen=True)
class FaultyPort:
    """What fails under one name, and the error that it fails with."""

    name: str
    kinds: tuple[Any, ...]
    code: str
    detail: str

    def error(self) -> Unavailable:
        return Unavailable(self.code, self.detail)


_READ_SIDE = (
    AccessQueries,
    AuditQueries,
    IdempotencyQueries,
    IdentityQueries,
    ImportQueries,
    JobQueries,
    LiveQueries,
    NotificationQueries,
    OrderQueries,
    PostQueries,
    ProductQueries,
    ProfileQueries,
    WebhookQueries,
)
_NO_DATABASE = ("database-unavailable", "The database does not answer; try again soon.")

PORTS = (
    FaultyPort("database", (Transactions, StoreHealth, *_READ_SIDE), *_NO_DATABASE),
    FaultyPort("transactions", (Transactions,), *_NO_DATABASE),
    FaultyPort("queries", _READ_SIDE, *_NO_DATABASE),
    FaultyPort("mailer", (Mailer,), "mail-unavailable", "The mail server does not answer."),
    FaultyPort("blob-store", (BlobStore,), "blobs-unavailable", "The store of files does not answer; try again soon."),
    FaultyPort("password-hasher", (PasswordHasher,), "busy", "Too many passwords are being checked at the moment."),
    FaultyPort("webhook-sender", (WebhookSender,), "webhook-unavailable", "The receiver does not answer."),
    FaultyPort("payment-gateway", (PaymentGateways,), "gateway-unavailable", "The gateway does not answer."),
)
NAMES = tuple(port.name for port in PORTS)


@dataclass
class _Fault:
    port: FaultyPort
    how: How
    times: int
    seconds: float


_spared: ContextVar[bool] = ContextVar("spared", default=False)


@contextmanager
def spared() -> Iterator[None]:
    """What is begun in the block meets no fault of the database: else the work beside the requests, which looks every
    second for something to do, would use up what a tester meant for a request."""
    token = _spared.set(True)
    try:
        yield
    finally:
        _spared.reset(token)


class Faults:
    """Those that are still to come, the first first."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []

    def plan(self, port: str, how: How, times: int = 1, seconds: float = 1.0) -> None:
        """The port's next calls, so many. `seconds` is how long a slow one takes. No times: it is well again.

        Raises:
            Invalid: `unknown-port`.
        """
        found = _named(port)
        if times == 0:
            self._faults = [fault for fault in self._faults if fault.port is not found]
        else:
            self._faults.append(_Fault(found, how, times, seconds))

    def around(self, kind: Any, port: Any) -> Any:
        """The port, where it is one that can be made to fail, so that it does."""
        if not any(kind in faulty.kinds for faulty in PORTS):
            return port
        if kind is PaymentGateways:
            return replace(port, by_name={name: _Faulty(each, kind, self) for name, each in port.by_name.items()})
        if kind is WebhookSender:
            return _FaultySender(port, self)
        return _Faulty(port, kind, self)

    def next_of(self, kind: Any) -> _Fault | None:
        """What befalls this call."""
        for fault in self._faults:
            if kind in fault.port.kinds and not (_spared.get() and fault.port.code == _NO_DATABASE[0]):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    @asynccontextmanager
    async def befalling(self, kind: Any) -> AsyncIterator[None]:
        """Around what the call does."""
        fault = self.next_of(kind)
        if fault is not None and fault.how is How.FAIL:
            raise fault.port.error()
        if fault is not None and fault.how is How.SLOW:
            await asyncio.sleep(fault.seconds)
        yield
        if fault is not None and fault.how is How.LATE:
            raise fault.port.error()


class _Faulty:
    """A port, each of whose calls may meet a fault."""

    def __init__(self, port: Any, kind: Any, faults: Faults) -> None:
        self._port = port
        self._kind = kind
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        made = self._awaited(found) if iscoroutinefunction(found) else self._called(found)
        setattr(self, name, made)
        return made

    def _awaited(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(call)
        async def awaited(*arguments: Any, **options: Any) -> Any:
            async with self._faults.befalling(self._kind):
                return await call(*arguments, **options)

        return awaited

    def _called(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """What is no coroutine function answers with something to enter, or to go through; else it waits for nothing
        and cannot fail."""

        @wraps(call)
        def called(*arguments: Any, **options: Any) -> Any:
            answer = call(*arguments, **options)
            if isinstance(answer, AbstractAsyncContextManager):
                return self._entered(answer)
            if isinstance(answer, AsyncIterator):
                return self._gone_through(answer)
            return answer

        return called

    @asynccontextmanager
    async def _entered(self, block: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
        async with self._faults.befalling(self._kind), block as inside:
            yield inside

    async def _gone_through(self, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async with self._faults.befalling(self._kind):
            async for item in items:
                yield item


class _FaultySender(WebhookSender):
    """It never raises: what goes wrong is its answer."""

    def __init__(self, sender: WebhookSender, faults: Faults) -> None:
        self._sender = sender
        self._faults = faults

    async def send(self, url: str, headers: Any, body: bytes) -> Answer:
        try:
            async with self._faults.befalling(WebhookSender):
                return await self._sender.send(url, headers, body)
        except Unavailable as error:
            return Answer(error=error.detail)


def _named(port: str) -> FaultyPort:
    """However it is spelt: `BlobStore`, `blob_store`, `blob-store`."""
    plain = port.replace("-", "").replace("_", "").lower()
    for known in PORTS:
        if known.name.replace("-", "") == plain:
            return known
    raise Invalid.field("unknown-port", "/port", f"What can fail: {', '.join(NAMES)}.")

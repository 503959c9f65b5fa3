"""Doing a thing once, however often its request comes (draft-ietf-httpapi-idempotency-key-header).

The answer is kept in the transaction of the effect: there is never one without the other.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from application.ports import Clock
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.errors import Conflict, Invalid, Stale
from domain.idempotency import KeptAnswer

KEPT_FOR = timedelta(hours=24)

T = TypeVar("T")


@dataclass(frozen=True)
class Once(Generic[T]):
    """A request that carries a key. `fingerprint` (32 bytes) tells whether another one is the same; `render` makes of
    what the use case returns the answer that a repetition gets, without the secrets that are told once."""

    key: str
    fingerprint: bytes
    render: Callable[[T], bytes]


class AnsweredAlready(Exception):
    """The request is the repetition of one that was done; `answer` is what was rendered then."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("This request was answered already.")
        self.answer = answer


class IdempotencyQueries(Protocol):
    async def kept_answer(self, caller: str, key: str) -> KeptAnswer | None: ...


@dataclass(frozen=True)
class Idempotency:
    """What creating use cases call: `check` once the caller was found to be allowed, `keep` first thing in the unit of
    work, so that of two at once the second waits, and does nothing. Who has to wait for a lock before there is anything
    to keep enters `unless_done` in the place of `check`."""

    queries: IdempotencyQueries
    clock: Clock

    async def check(self, actor: Actor, once: Once[T] | None) -> None:
        """Raises AnsweredAlready, Invalid (`idempotency-key-reused`): the key came with another request before."""
        if once is None:
            return
        kept = await self.queries.kept_answer(_caller(actor), once.key)
        if kept is None or kept.created_at <= self._oldest():
            return
        if kept.fingerprint != once.fingerprint:
            raise Invalid.field(
                "idempotency-key-reused", "/Idempotency-Key", "This key came with another request; make a new one."
            )
        raise AnsweredAlready(kept.answer)

    @asynccontextmanager
    async def unless_done(self, actor: Actor, once: Once[T] | None) -> AsyncIterator[None]:
        """`check`, around a unit of work that may refuse the request before it comes to `keep`: what stands in the way
        may be what the same request did just now. Raises as `check` does, before or after."""
        await self.check(actor, once)
        try:
            yield
        except (Conflict, Stale):
            await self.check(actor, once)
            raise

    async def keep(self, uow: UnitOfWork, actor: Actor, once: Once[T] | None, result: T) -> None:
        """Raises Conflict (`request-running`): the same request is being done, or was done just now."""
        if once is None:
            return
        answer = KeptAnswer(_caller(actor), once.key, once.fingerprint, once.render(result), self.clock.now())
        await uow.idempotency.keep(answer, instead_of_before=self._oldest())

    def _oldest(self) -> datetime:
        return self.clock.now() - KEPT_FOR


def caller_of(name: str, user_id: UUID | None) -> str:
    """Keys are the caller's own: two callers may use the same one."""
    return f"{name}/{user_id}"


def _caller(actor: Actor) -> str:
    return caller_of(actor.name, actor.user_id)

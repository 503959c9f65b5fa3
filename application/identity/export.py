"""Taking the list of members out, all at once."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import ClassVar

from application.audit.trail import Trail
from application.identity.ports import IdentityQueries
from application.identity.views import UserFilters, UserView
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.errors import Unavailable

EXPORT = Permission("users:export", "Take the list of all members out.")

AT_ONCE = 2
TRY_AGAIN_AFTER = 10.0
"""Seconds."""


class ExportPlaces:
    """Each export keeps a connection and a moment of the store for as long as it is read, and the processor busy: so
    there are few at once in a process."""

    def __init__(self) -> None:
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises Unavailable (`exports-busy`): all are taken."""
        if self._taken >= AT_ONCE:
            raise Unavailable(
                "exports-busy",
                f"There are {AT_ONCE} exports under way already; try again in a moment.",
                retry_after=TRY_AGAIN_AFTER,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


@dataclass(frozen=True)
class ExportUsers:
    """All that the list of members finds, by id and as they are at one moment."""

    rule: ClassVar[Rule] = holder(EXPORT)

    transactions: Transactions
    queries: IdentityQueries
    trail: Trail
    places: ExportPlaces

    async def __call__(
        self, actor: Actor, *, filters: UserFilters = UserFilters()
    ) -> AsyncGenerator[Sequence[UserView], None]:
        """Nothing is read or recorded before the first members are asked for; whoever asked for any has to close it.

        Raises Unavailable (`exports-busy`), then.
        """
        require(actor, self.rule)
        return self._members(actor, filters)

    async def _members(self, actor: Actor, filters: UserFilters) -> AsyncGenerator[Sequence[UserView], None]:
        with self.places.one():
            async with self.transactions.begin() as uow:
                await self.trail.record(uow, actor, "users.exported", fields=filters.used)
            async with aclosing(self.queries.users_snapshot(filters)) as some_at_a_time:
                async for members in some_at_a_time:
                    yield members

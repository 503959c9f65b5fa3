"""What members see first: parts that are read at the same time, each on its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from application.identity.accounts import no_such_user
from application.identity.ports import IdentityQueries
from application.identity.views import UserView
from application.notifications.ports import NotificationQueries
from application.notifications.views import NotificationView
from application.orders.ports import OrderQueries
from application.orders.views import OrderFilters, OrderView
from domain.access.actor import Actor
from domain.access.policy import OWNER, Rule, require_own
from domain.errors import MoothallError, Unavailable

log = logging.getLogger("moothall.dashboard")

PART_WITHIN = 1.0
"""Seconds that a part may take; the others do not wait for it any longer."""
SHOWN = 5
"""Orders, and notifications."""

Part = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """`orders` are the latest, `notifications` the latest unread ones, `unread` is how many there are. A part that
    could not be read is null, and `missing` says why: `timeout`, the code of an error, or `internal-error`."""

    user: UserView | None
    orders: Sequence[OrderView] | None
    notifications: Sequence[NotificationView] | None
    unread: int | None
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ShowDashboard:
    """One's own. Each part has a session of its own, and a time limit of its own."""

    rule: ClassVar[Rule] = OWNER

    users: IdentityQueries
    orders: OrderQueries
    notifications: NotificationQueries

    async def __call__(self, actor: Actor) -> Dashboard:
        """Raises Unavailable (`dashboard-unavailable`): no part could be read."""
        user_id = require_own(actor, self.rule)
        found, missing = await read_parts(
            {
                "user": lambda: self._user(user_id),
                "orders": lambda: self._latest_orders(user_id),
                "notifications": lambda: self._latest_unread(user_id),
                "unread": lambda: self.notifications.count(user_id, unread=True),
            }
        )
        return Dashboard(**found, missing=missing)

    async def _user(self, user_id: UUID) -> UserView:
        found = await self.users.user(user_id)
        if found is None:
            raise no_such_user()
        return found.value

    async def _latest_orders(self, user_id: UUID) -> list[OrderView]:
        rows = await self.orders.orders(OrderFilters(user_id=user_id), after=None, offset=0, limit=SHOWN)
        return [row.value for row in rows]

    async def _latest_unread(self, user_id: UUID) -> list[NotificationView]:
        rows = await self.notifications.notifications(user_id, unread=True, after=None, offset=0, limit=SHOWN)
        return [row.value for row in rows]


async def read_parts(
    parts: Mapping[str, Part], *, within: float = PART_WITHIN
) -> tuple[dict[str, Any], dict[str, str]]:
    """What each part is (None where it could not be read), and why those are missing that are. Whoever is cancelled
    cancels them all, and does not go before they have ended.

    Raises:
        Unavailable: none of them could be read.
    """
    async with asyncio.TaskGroup() as tasks:
        reading = {name: tasks.create_task(_read(name, part, within)) for name, part in parts.items()}
    outcomes = {name: task.result() for name, task in reading.items()}
    missing = {name: reason for name, (_, reason) in outcomes.items() if reason is not None}
    if len(missing) == len(parts):
        raise Unavailable("dashboard-unavailable", "Nothing can be read just now.")
    return {name: value for name, (value, _) in outcomes.items()}, missing


async def _read(name: str, part: Part, within: float) -> tuple[Any, str | None]:
    try:
        async with asyncio.timeout(within):
            return await part(), None
    except TimeoutError:
        reason = "timeout"
        log.warning("The dashboard goes without %s: it took more than %s s", name, within)
    except MoothallError as error:
        reason = error.code
        log.warning("The dashboard goes without %s: %s", name, error)
    except Exception:
        reason = "internal-error"
        log.exception("The dashboard goes without %s", name)
    return None, reason

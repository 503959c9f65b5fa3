"""One's own notifications: listed, read."""

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.identity.accounts import no_such_user
from application.identity.ports import IdentityQueries
from application.live.told import Told, Topic
from application.notifications.ports import NotificationQueries
from application.notifications.views import Inbox, NotificationView
from application.paging import PageRequest, Sort, read_page
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, OWNER, OWNER_IN_PERSON, Rule, is_theirs_to_see, require
from domain.errors import NotFound

NEWEST_FIRST = Sort("created_at", descending=True)


async def whose(actor: Actor, user_id: UUID | None, users: IdentityQueries) -> UUID:
    """The member that is meant: that one, or else who asks. Call once they were found to be allowed.

    Raises:
        NotFound: `user-not-found`.
    """
    if user_id is None:
        if actor.user_id is None:
            raise NotFound("user-not-found", "Say which member's.")
        return actor.user_id
    if user_id != actor.user_id and await users.user(user_id) is None:
        raise no_such_user()
    return user_id


@dataclass(frozen=True)
class ListNotifications:
    """One's own, newest first, with the count of unread ones; the operator sees any member's."""

    rule: ClassVar[Rule] = OWNER | OPERATOR

    queries: NotificationQueries
    users: IdentityQueries

    async def __call__(
        self,
        actor: Actor,
        *,
        user_id: UUID | None = None,
        unread: bool | None = None,
        page: PageRequest = PageRequest(),
    ) -> Inbox:
        """Raises NotFound (`user-not-found`)."""
        require(actor, self.rule, owner=user_id or actor.user_id)
        owner = await whose(actor, user_id, self.users)
        found = await read_page(
            page,
            NEWEST_FIRST,
            partial(self.queries.notifications, owner, unread),
            partial(self.queries.count, owner, unread),
        )
        return Inbox.with_count(found, await self.queries.count(owner, unread=True))


@dataclass(frozen=True)
class ShowNotification:
    """One's own. Whether another member's exists is not told."""

    rule: ClassVar[Rule] = OWNER | OPERATOR

    queries: NotificationQueries

    async def __call__(self, actor: Actor, *, notification_id: UUID) -> NotificationView:
        """Raises NotFound (`notification-not-found`)."""
        found = await self.queries.notification(notification_id)
        if not is_theirs_to_see(actor, self.rule, owner=found.user_id if found else None) or found is None:
            raise _no_such_notification()
        return found.value


@dataclass(frozen=True)
class ReadNotification:
    """Mark one's own as read. The second time changes nothing."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    queries: NotificationQueries
    clock: Clock

    async def __call__(self, actor: Actor, *, notification_id: UUID) -> NotificationView:
        """Raises NotFound (`notification-not-found`)."""
        found = await self.queries.notification(notification_id)
        if not is_theirs_to_see(actor, self.rule, owner=found.user_id if found else None) or found is None:
            raise _no_such_notification()
        if found.value.read_at is not None:
            return found.value
        now = self.clock.now()
        async with self.transactions.begin() as uow:
            read_at = await uow.notifications.mark_read(notification_id, now)
            if read_at == now:
                uow.told.append(Told(Topic.INBOX, found.user_id, {}))
        if read_at is None:
            raise _no_such_notification()
        return replace(found.value, read_at=read_at)


@dataclass(frozen=True)
class ReadAllNotifications:
    """Mark all of one's own as read that are there now."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    users: IdentityQueries
    clock: Clock

    async def __call__(self, actor: Actor, *, user_id: UUID | None = None) -> int:
        """How many were unread. Raises NotFound (`user-not-found`)."""
        require(actor, self.rule, owner=user_id or actor.user_id)
        owner = await whose(actor, user_id, self.users)
        async with self.transactions.begin() as uow:
            were_unread = await uow.notifications.mark_all_read(owner, self.clock.now())
            if were_unread:
                uow.told.append(Told(Topic.INBOX, owner, {}))
        return were_unread


def _no_such_notification() -> NotFound:
    return NotFound("notification-not-found", "There is no such notification.")

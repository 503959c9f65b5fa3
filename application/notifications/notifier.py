"""Telling one member something, in the unit of work of whatever it is about."""

from dataclasses import dataclass
from uuid import UUID

from application.live.plain import as_plain
from application.live.told import Told, Topic
from application.notifications.views import NotificationView
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.notifications.events import NotificationMailed
from domain.notifications.notification import Kind, Notification

WITH_MAIL_OF_THEIR_OWN = frozenset({Kind.WELCOME, Kind.SIGN_IN, Kind.ORDER})
"""Who wants mail about the others gets what the notification says."""


@dataclass(frozen=True)
class Notifier:
    outbox: Outbox
    clock: Clock
    ids: Ids

    async def notify(self, uow: UnitOfWork, actor: Actor, user_id: UUID, kind: Kind, *, title: str, body: str) -> None:
        """Tell the member, who has to be there, and locked. Raises Invalid: title or body cannot be shown."""
        made = Notification(
            id=self.ids.new(), user_id=user_id, kind=kind, title=title, body=body, created_at=self.clock.now()
        )
        await self.deliver(uow, actor, made)

    async def deliver(self, uow: UnitOfWork, actor: Actor, made: Notification) -> None:
        """To a member whose account is locked: here, if they want it here; by mail, if they want that and there is no
        other mail about it."""
        wanted = (await uow.preferences.of(made.user_id)).of(made.kind)
        if wanted.in_app:
            number = await uow.notifications.add(made)
            view = as_plain(NotificationView.of(made))
            uow.told.append(Told(Topic.INBOX, made.user_id, {"number": number, "notification": view}))
        if wanted.mail and made.kind not in WITH_MAIL_OF_THEIR_OWN:
            await self.outbox.emit(uow, actor, NotificationMailed(made.user_id, made.title, made.body))

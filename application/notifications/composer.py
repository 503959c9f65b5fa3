"""What members are told about events: whom, of which kind, in which words.

Each returns None where there is nothing to be told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from application.notifications.notifier import Notifier
from application.notifications.texts import Said, Texts
from application.unit_of_work import UnitOfWork
from domain.access.actor import PROCESS
from domain.events import Emitted
from domain.identity.devices import device
from domain.identity.events import EmailVerified, SignedInFromElsewhere
from domain.jobs.events import JobFinished
from domain.notifications.notification import Kind
from domain.orders.events import OrderCancelled, OrderFulfilled, OrderPaid, OrderPlaced, OrderRefunded
from domain.orders.number import order_number

OrderEvent = OrderPlaced | OrderPaid | OrderFulfilled | OrderCancelled | OrderRefunded


@dataclass(frozen=True, slots=True)
class Told:
    """What is told to whom."""

    user_id: UUID
    kind: Kind
    said: Said


@dataclass(frozen=True)
class NotificationComposer:
    texts: Texts
    notifier: Notifier

    async def tell(
        self,
        compose: "Callable[[NotificationComposer, Emitted], Told | None]",
        uow: UnitOfWork,
        emitted: Emitted,
    ) -> None:
        """Unless the member is gone meanwhile."""
        told = compose(self, emitted)
        if told is not None and await uow.users.get(told.user_id) is not None:
            title, body = told.said
            await self.notifier.notify(uow, PROCESS, told.user_id, told.kind, title=title, body=body)

    def welcome(self, emitted: Emitted) -> Told | None:
        event = emitted.event
        assert isinstance(event, EmailVerified)  # noqa: S101
        return Told(event.user_id, Kind.WELCOME, self.texts.welcome)

    def new_sign_in(self, emitted: Emitted) -> Told | None:
        event, origin = emitted.event, emitted.origin
        assert isinstance(event, SignedInFromElsewhere)  # noqa: S101
        said = self.texts.of_sign_in(device=device(origin.user_agent), address=origin.address, at=emitted.at)
        return Told(event.user_id, Kind.SIGN_IN, said)

    def order(self, emitted: Emitted) -> Told | None:
        """Not of one whose account is gone."""
        event = emitted.event
        assert isinstance(event, OrderEvent)  # noqa: S101
        if event.user_id is None:
            return None
        return Told(event.user_id, Kind.ORDER, self.texts.of_order(event.name, order_number(event.order_id)))

    def job_finished(self, emitted: Emitted) -> Told | None:
        """Not of one that was cancelled: whoever did so knows it."""
        event = emitted.event
        assert isinstance(event, JobFinished)  # noqa: S101
        said = self.texts.of_job(event.status, event.kind)
        return None if said is None else Told(event.user_id, Kind.JOB, said)

"""Who wants to know of an event: known without asking the store, for every change asks it."""

from collections.abc import Sequence
from uuid import UUID

from application.ports import Ids
from application.remembering import WEBHOOKS, Changes, Remembered
from application.unit_of_work import UnitOfWork
from domain.events import Emitted
from domain.webhooks.catalogue import wants
from domain.webhooks.delivery import Delivery
from domain.webhooks.webhook import Subscription

_ALL = "all"


class Subscribers:
    """The active webhooks are kept in mind until one of them changes. Where nobody wants an event, it costs nothing
    that it is told outside."""

    def __init__(self, changes: Changes, ids: Ids) -> None:
        self._known = Remembered[str, Sequence[Subscription]](changes, most=1)
        self._ids = ids

    async def to(self, uow: UnitOfWork, event: str) -> Sequence[UUID]:
        """The webhooks that want an event of that name."""
        known = self._known.get(_ALL)
        if known is None:

            async def read() -> Sequence[Subscription]:
                return tuple(await uow.webhooks.subscriptions())

            known = await self._known.read(_ALL, (WEBHOOKS,), read)
        return [found.webhook_id for found in known or () if wants(found.events, event)]

    async def post(self, uow: UnitOfWork, emitted: Emitted, subject: UUID, webhook_ids: Sequence[UUID]) -> None:
        """Leave a delivery to each, and a job that sends it."""
        deliveries = [
            Delivery.of(emitted, subject, id=self._ids.new(), webhook_id=webhook_id) for webhook_id in webhook_ids
        ]
        await uow.webhook_deliveries.add(deliveries)
        await uow.jobs.add_all([delivery.job(self._ids.new(), emitted.at) for delivery in deliveries])

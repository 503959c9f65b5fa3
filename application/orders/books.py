"""What every change of an order has in common: one entry in the trail, stock given back once, its member told."""

from collections import Counter
from dataclasses import dataclass, replace
from uuid import UUID

from application.audit.trail import Trail
from application.identity.views import Versioned
from application.orders.views import OrderView
from application.outbox import Outbox
from application.ports import Clock
from application.unit_of_work import UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.errors import NotFound
from domain.orders.order import GIVES_STOCK_BACK, Order, OrderStatus

NOBODY = UUID(int=0)
"""Whose an order is once its account was deleted: it is there, and nobody's."""


@dataclass(frozen=True)
class Books:
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def record(self, uow: UnitOfWork, actor: Actor, order: Order) -> Order:
        """What it has just become, be it placed; as it is stored from now on."""
        if order.status is OrderStatus.PLACED:
            await uow.orders.add(order)
        else:
            order = await uow.orders.save(order)
            if order.status in GIVES_STOCK_BACK:
                await uow.products.give_back(order.held)
        await self._tell(uow, actor, order)
        return order

    async def close_account(self, uow: UnitOfWork, actor: Actor, user_id: UUID) -> None:
        """Before it is deleted: nobody will pay what is still only placed. The rest stays, and loses its name. Stock is
        given back for all of them at once: one order after the other, products were locked in any order."""
        given_back = Counter[UUID]()
        for order in await uow.orders.placed_by(user_id):
            cancelled = replace(order.become(OrderStatus.CANCELLED, self.clock.now()), user_id=None)
            await self._tell(uow, actor, await uow.orders.save(cancelled))
            given_back.update(cancelled.held)
        await uow.products.give_back(given_back)

    async def _tell(self, uow: UnitOfWork, actor: Actor, order: Order) -> None:
        await self.trail.record(uow, actor, f"order.{order.status.value}", subject=order.user_id, item=order.id)
        await self.outbox.emit(uow, actor, order.event)


async def loaded_order(uow: UnitOfWork, order_id: UUID, expected: Expected = None) -> Order:
    """Locked. Raises NotFound (`order-not-found`), Stale."""
    order = await uow.orders.get(order_id)
    if order is None:
        raise no_such_order()
    require_version(order.version, expected)
    return order


def owner_of(found: Versioned[OrderView] | None) -> UUID | None:
    """As the policy wants to know it; None where there is no such order."""
    return None if found is None else found.value.user_id or NOBODY


def no_such_order() -> NotFound:
    return NotFound("order-not-found", "There is no such order.")

"""Orders within a unit of work, and as readers see them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.paging import page
from application.identity.views import Versioned
from application.orders.ports import OrderQueries
from application.orders.views import OrderFilters, OrderView, shown_order
from application.paging import Position, Row
from domain.errors import Conflict, NotFound
from domain.orders.order import Order, OrderRepository, OrderStatus
from domain.orders.payment import Payment


class MemoryOrders(OrderRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, order: Order) -> None:
        if order.user_id is not None and self._changes.users.get(order.user_id) is None:
            raise self._changes.spoil(NotFound("user-not-found", "There is no such user."))
        self._changes.orders.add(order.id, order)

    async def get(self, order_id: UUID) -> Order | None:
        return self._changes.orders.get(order_id)

    async def placed_by(self, user_id: UUID) -> Sequence[Order]:
        found = (o for o in self._changes.orders.values() if o.user_id == user_id and o.status is OrderStatus.PLACED)
        return sorted(found, key=lambda order: order.id)

    async def save(self, order: Order) -> Order:
        stored = self._changes.orders.get(order.id)
        if stored is None or stored.version != order.version:
            raise self._changes.spoil(Conflict("changed-meanwhile", "The order was changed meanwhile; read it again."))
        saved = replace(order, version=order.version + 1)
        self._changes.orders.put(order.id, saved)
        return saved


class MemoryOrderQueries(OrderQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def order(self, order_id: UUID) -> Versioned[OrderView] | None:
        found = self._database.orders.get(order_id)
        return shown_order(found) if found else None

    async def orders(
        self, filters: OrderFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[OrderView]]:
        rows = [Row(Position(order.placed_at, order.id), OrderView.of(order)) for order in self._found(filters)]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    async def count_orders(self, filters: OrderFilters) -> int:
        return len(self._found(filters))

    async def payments_of(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[Payment]]:
        orders = {order.id for order in self._found(OrderFilters(user_id=user_id))}
        payments = [payment for payment in self._database.payments.values() if payment.order_id in orders]
        rows = [Row(Position(payment.created_at, payment.id), payment) for payment in payments]
        return page(rows, after=after, offset=offset, limit=limit, descending=True)

    def _found(self, filters: OrderFilters) -> list[Order]:
        return [
            order
            for order in self._database.orders.values()
            if filters.user_id in (None, order.user_id) and filters.status in (None, order.status)
        ]

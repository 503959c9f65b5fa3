"""Orders within a unit of work, and as readers see them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, insert, select, text, update

from adapters.sql.paging import paged, place
from adapters.sql.payments import payment_of
from adapters.sql.reading import Reader
from adapters.sql.tables import order_lines, orders, payments, users
from adapters.sql.work import Work
from application.identity.views import Versioned
from application.orders.ports import OrderQueries
from application.orders.views import OrderFilters, OrderView, shown_order
from application.paging import Position
from application.paging import Row as Placed
from domain.errors import Conflict, NotFound
from domain.orders.order import Order, OrderLine, OrderRepository, OrderStatus
from domain.orders.payment import Payment

_ADD = text(
    """
    WITH added AS (
        INSERT INTO orders (id, user_id, status, currency, total, placed_at, version)
        SELECT CAST(:id AS uuid), users.id, CAST(:status AS text), CAST(:currency AS text), CAST(:total AS bigint),
               CAST(:placed_at AS timestamptz), CAST(:version AS integer)
        FROM users WHERE users.id = CAST(:user_id AS uuid) FOR KEY SHARE
        RETURNING id
    )
    INSERT INTO order_lines (order_id, number, product_id, sku, name, quantity, unit_price, is_held)
    SELECT added.id, line.* FROM added, unnest(
        CAST(:numbers AS integer[]), CAST(:product_ids AS uuid[]), CAST(:skus AS text[]), CAST(:names AS text[]),
        CAST(:quantities AS integer[]), CAST(:unit_prices AS bigint[]), CAST(:are_held AS boolean[])
    ) AS line
    """
)
"""An order with all of its lines in one round trip, on PostgreSQL; none where the member is gone, or goes just now: the
lock waits for that, before the foreign key finds nobody."""

_INSERT = insert(orders)
_INSERT_LINES = insert(order_lines)
_MEMBER = select(exists().where(users.c.id == bindparam("user_id")))
_ORDER = select(orders).where(orders.c.id == bindparam("order_id"))
_LOCK = _ORDER.with_for_update()
_LOCK_ALL_OF = select(orders).where(orders.c.user_id == bindparam("user_id")).order_by(orders.c.id).with_for_update()
_UPDATE = update(orders).where(orders.c.id == bindparam("order_id"), orders.c.version == bindparam("was"))
_LINES = (
    select(order_lines)
    .where(order_lines.c.order_id.in_(bindparam("order_ids", expanding=True)))
    .order_by(order_lines.c.order_id, order_lines.c.number)
)
_LINES_OF_PLACED = (
    select(order_lines)
    .join(orders)
    .where(orders.c.user_id == bindparam("user_id"), orders.c.status == OrderStatus.PLACED.value)
    .order_by(order_lines.c.order_id, order_lines.c.number)
)
"""By the member and not by the ids of the orders: of those there may be more than one statement takes."""
_WITH_LINES = (
    select(
        orders,
        *(order_lines.c[name] for name in ("number", "product_id", "sku", "name", "quantity", "unit_price", "is_held")),
    )
    .join(order_lines, order_lines.c.order_id == orders.c.id)
    .where(orders.c.id == bindparam("order_id"))
    .order_by(order_lines.c.number)
)


class SqlOrders(OrderRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, order: Order) -> None:
        """Raises LookupError for one without a member: whose it was is forgotten later, by the database itself."""
        if order.user_id is None:
            raise LookupError("A new order is some member's.")
        if self._work.dialect == "postgresql":
            is_added = await self._work.change(_ADD, _with_lines(order)) > 0
        else:
            is_added = bool((await self._work.execute(_MEMBER, {"user_id": order.user_id})).scalar_one())
            if is_added:
                await self._work.execute(_INSERT, _columns(order))
                await self._work.execute(_INSERT_LINES, _lines(order))
        if not is_added:
            raise self._work.spoil(NotFound("user-not-found", "There is no such user."))

    async def get(self, order_id: UUID) -> Order | None:
        found = (await self._work.execute(_LOCK, {"order_id": order_id})).one_or_none()
        return None if found is None else _order(found, await self._work.execute(_LINES, {"order_ids": [order_id]}))

    async def placed_by(self, user_id: UUID) -> Sequence[Order]:
        found = (await self._work.execute(_LOCK_ALL_OF, {"user_id": user_id})).all()
        by_order = _by_order(await self._work.execute(_LINES_OF_PLACED, {"user_id": user_id}))
        return [_order(row, by_order[row.id]) for row in found if row.status == OrderStatus.PLACED.value]

    async def save(self, order: Order) -> Order:
        saved = replace(order, version=order.version + 1)
        result = await self._work.execute(_UPDATE, {"order_id": order.id, "was": order.version, **_columns(saved)})
        if result.rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The order was changed meanwhile; read it again."))
        return saved


class SqlOrderQueries(OrderQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def order(self, order_id: UUID) -> Versioned[OrderView] | None:
        rows = await self._reader.look_up(_WITH_LINES, {"order_id": order_id})
        return shown_order(_order(rows[0], rows)) if rows else None

    async def orders(
        self, filters: OrderFilters, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[OrderView]]:
        """All lines of the page come by one statement more."""
        statement = _page(filters.user_id is not None, filters.status is not None, after is not None)
        found = await self._reader.search(statement, {**_parameters(filters), **place(after, offset, limit)})
        lines = await self._reader.search(_LINES, {"order_ids": [row.id for row in found]})
        by_order = _by_order(lines)
        return [Placed(Position(row.placed_at, row.id), OrderView.of(_order(row, by_order[row.id]))) for row in found]

    async def count_orders(self, filters: OrderFilters) -> int:
        statement = _count(filters.user_id is not None, filters.status is not None)
        return int((await self._reader.search(statement, _parameters(filters)))[0][0])

    async def payments_of(
        self, user_id: UUID, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[Payment]]:
        statement = _payments_page(after is not None)
        rows = await self._reader.search(statement, {"user_id": user_id, **place(after, offset, limit)})
        return [Placed(Position(row.created_at, row.id), payment_of(row)) for row in rows]


@lru_cache
def _page(by_user: bool, by_status: bool, continues: bool) -> Select[Any]:
    return paged(
        _chosen(select(orders), by_user, by_status),
        orders.c.placed_at,
        orders.c.id,
        descending=True,
        continues=continues,
    )


@lru_cache
def _payments_page(continues: bool) -> Select[Any]:
    of_member = select(payments).join(orders, payments.c.order_id == orders.c.id)
    return paged(
        of_member.where(orders.c.user_id == bindparam("user_id")),
        payments.c.created_at,
        payments.c.id,
        descending=True,
        continues=continues,
    )


@lru_cache
def _count(by_user: bool, by_status: bool) -> Select[Any]:
    return _chosen(select(func.count()).select_from(orders), by_user, by_status)


def _chosen(statement: Select[Any], by_user: bool, by_status: bool) -> Select[Any]:
    if by_user:
        statement = statement.where(orders.c.user_id == bindparam("user_id"))
    return statement.where(orders.c.status == bindparam("status")) if by_status else statement


def _parameters(filters: OrderFilters) -> dict[str, object]:
    found: dict[str, object] = {} if filters.user_id is None else {"user_id": filters.user_id}
    return found if filters.status is None else {**found, "status": filters.status.value}


def _by_order(lines: Iterable[Any]) -> Mapping[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for line in lines:
        found.setdefault(line.order_id, []).append(line)
    return found


def _order(row: Any, lines: Iterable[Any]) -> Order:
    return Order(
        id=row.id,
        user_id=row.user_id,
        status=OrderStatus(row.status),
        currency=row.currency,
        total=row.total,
        lines=tuple(
            OrderLine(line.product_id, line.sku, line.name, line.quantity, line.unit_price, line.is_held)
            for line in lines
        ),
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        fulfilled_at=row.fulfilled_at,
        cancelled_at=row.cancelled_at,
        refunded_at=row.refunded_at,
        version=row.version,
    )


def _columns(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "user_id": order.user_id,
        "status": order.status.value,
        "currency": order.currency,
        "total": order.total,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "fulfilled_at": order.fulfilled_at,
        "cancelled_at": order.cancelled_at,
        "refunded_at": order.refunded_at,
        "version": order.version,
    }


def _lines(order: Order) -> list[dict[str, object]]:
    return [
        {
            "order_id": order.id,
            "number": number,
            "product_id": line.product_id,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "is_held": line.is_held,
        }
        for number, line in enumerate(order.lines)
    ]


def _with_lines(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "user_id": order.user_id,
        "status": order.status.value,
        "currency": order.currency,
        "total": order.total,
        "placed_at": order.placed_at,
        "version": order.version,
        "numbers": list(range(len(order.lines))),
        "product_ids": [line.product_id for line in order.lines],
        "skus": [line.sku for line in order.lines],
        "names": [line.name for line in order.lines],
        "quantities": [line.quantity for line in order.lines],
        "unit_prices": [line.unit_price for line in order.lines],
        "are_held": [line.is_held for line in order.lines],
    }

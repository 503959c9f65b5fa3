"""Orders: placed by members, fulfilled and refunded by whoever runs the shop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.idempotency import Idempotency, Once
from application.identity.views import Versioned
from application.orders.books import Books, loaded_order, no_such_order, owner_of
from application.orders.ports import OrderQueries
from application.orders.views import OrderFilters, OrderView, shown_order
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.unit_of_work import Transactions
from application.versions import Expected
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import OPERATOR, OWNER, OWNER_IN_PERSON, Rule, holder, is_theirs_to_see, judge, require
from domain.errors import NotFound
from domain.orders.order import Order, OrderStatus, Wanted, checked

READ = Permission("orders:read", "See every member's orders.")
FULFIL = Permission("orders:fulfil", "Say that what was ordered and paid has been delivered.")
CANCEL = Permission("orders:cancel", "Cancel members' orders that are not paid.")

NEWEST_FIRST = Sort("placed_at", descending=True)


class Outrun(Exception):
    """Others bought, or changed, what was read just before."""


@dataclass(frozen=True)
class PlaceOrder:
    """At the products' prices, all of it or nothing. The operator places one for any member."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    books: Books
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        lines: Sequence[Wanted],
        user_id: UUID | None = None,
        once: Once[Versioned[OrderView]] | None = None,
    ) -> Versioned[OrderView]:
        """`user_id` None: one's own.

        Raises Invalid (`bad-lines`, `out-of-range`, `unknown-product`, `mixed-currencies`, `total-too-large`), Conflict
        (`out-of-stock`), NotFound (`user-not-found`).
        """
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if owner is None:
            raise NotFound("user-not-found", "Say whose order this shall be.")
        checked(lines)
        async with self.idempotency.unless_done(actor, once):
            try:
                return await self._place(actor, owner, lines, once, locked=False)
            except Outrun:
                return await self._place(actor, owner, lines, once, locked=True)

    async def _place(
        self,
        actor: Actor,
        owner: UUID,
        lines: Sequence[Wanted],
        once: Once[Versioned[OrderView]] | None,
        *,
        locked: bool,
    ) -> Versioned[OrderView]:
        """The stock is taken last, so that others who buy the same wait for no more than that and the commit. Raises
        Outrun where the products were read without locks."""
        async with self.transactions.begin() as uow:
            found = await uow.products.all_of([line.sku for line in lines], locked=locked)
            order = Order.placed(
                id=self.ids.new(),
                user_id=owner,
                wanted=lines,
                products={product.sku_key: product for product in found},
                now=self.clock.now(),
            )
            shown = shown_order(order)
            await self.idempotency.keep(uow, actor, once, shown)
            await self.books.record(uow, actor, order)
            if not await uow.products.take(order.held, of=found):
                raise Outrun
        return shown


@dataclass(frozen=True)
class ListOrders:
    """One's own, or with `orders:read` everybody's (or those of one member); newest first."""

    rule: ClassVar[Rule] = OWNER | holder(READ)

    queries: OrderQueries

    async def __call__(
        self, actor: Actor, *, filters: OrderFilters = OrderFilters(), page: PageRequest = PageRequest()
    ) -> Page[OrderView]:
        owner = filters.user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if judge(actor, holder(READ)) is not None:
            filters = replace(filters, user_id=owner)
        return await read_page(
            page, NEWEST_FIRST, partial(self.queries.orders, filters), partial(self.queries.count_orders, filters)
        )


@dataclass(frozen=True)
class ShowOrder:
    """One's own, or with `orders:read` anybody's. Whether another member's order exists is not told."""

    rule: ClassVar[Rule] = OWNER | holder(READ)

    queries: OrderQueries

    async def __call__(self, actor: Actor, *, order_id: UUID) -> Versioned[OrderView]:
        """Raises NotFound (`order-not-found`)."""
        found = await self.queries.order(order_id)
        if not is_theirs_to_see(actor, self.rule, owner=owner_of(found)) or found is None:
            raise no_such_order()
        return found


@dataclass(frozen=True)
class FulfilOrder:
    """What was paid for has been delivered."""

    rule: ClassVar[Rule] = holder(FULFIL)

    transactions: Transactions
    books: Books
    idempotency: Idempotency
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        order_id: UUID,
        expected: Expected = None,
        once: Once[Versioned[OrderView]] | None = None,
    ) -> Versioned[OrderView]:
        """Raises NotFound (`order-not-found`), Conflict (`order-not-paid`), Stale."""
        require(actor, self.rule)
        async with self.idempotency.unless_done(actor, once), self.transactions.begin() as uow:
            order = await loaded_order(uow, order_id, expected)
            order = await self.books.record(uow, actor, order.become(OrderStatus.FULFILLED, self.clock.now()))
            await self.idempotency.keep(uow, actor, once, shown_order(order))
        return shown_order(order)


@dataclass(frozen=True)
class CancelOrder:
    """Before it is paid. One's own, or with `orders:cancel` anybody's; what it held of the stock is given back."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(CANCEL, own_in_person=True)

    transactions: Transactions
    queries: OrderQueries
    books: Books
    idempotency: Idempotency
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        *,
        order_id: UUID,
        expected: Expected = None,
        once: Once[Versioned[OrderView]] | None = None,
    ) -> Versioned[OrderView]:
        """Raises NotFound (`order-not-found`), Conflict (`order-not-placed`), Stale."""
        if not is_theirs_to_see(actor, self.rule, owner=owner_of(await self.queries.order(order_id))):
            raise no_such_order()
        async with self.idempotency.unless_done(actor, once), self.transactions.begin() as uow:
            order = await loaded_order(uow, order_id, expected)
            order = await self.books.record(uow, actor, order.become(OrderStatus.CANCELLED, self.clock.now()))
            await self.idempotency.keep(uow, actor, once, shown_order(order))
        return shown_order(order)

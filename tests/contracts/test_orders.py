"""Orders and payments: kept as they were placed, whatever becomes of products and members."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.orders.views import OrderFilters, OrderView, shown_order
from application.paging import Position
from domain.errors import Conflict, NotFound
from domain.money import LARGEST_TOTAL
from domain.orders.order import LARGEST_QUANTITY, Order, OrderStatus
from domain.orders.payment import Payment, PaymentStatus
from domain.products.product import HIGHEST_PRICE
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_line,
    a_payment,
    a_product,
    a_user,
    add,
    add_orders,
    add_products,
    an_order,
    remove,
)
from tests.contracts.plans import Asked
from tests.stores import Store

ADA = a_user("ada")
BOB = a_user("bob")
DEAR = a_product("dear", name="Très cher ☕", price=HIGHEST_PRICE)
FULL = an_order(
    ADA,
    a_line(DEAR, LARGEST_QUANTITY),
    a_line(a_product("air", stock=None, price=0), 3),
    total=LARGEST_TOTAL,
    status=OrderStatus.REFUNDED,
    placed_at=NOW,
    version=4,
)
TIMES = {f"{name}_at": NOW + n * SECOND for n, name in enumerate(("paid", "fulfilled", "cancelled", "refunded"))}


async def stored_order(store: Store, order_id: UUID) -> Order | None:
    async with store.transactions.begin() as uow:
        return await uow.orders.get(order_id)


async def listed(store: Store, **filters: Any) -> list[OrderView]:
    found = OrderFilters(**filters)
    rows = await store.orders.orders(found, after=None, offset=0, limit=1000)
    assert await store.orders.count_orders(found) == len(rows)
    return [row.value for row in rows]


async def test_every_field_comes_back(store: Store) -> None:
    await add(store, ADA)
    await add_orders(store, FULL)
    async with store.transactions.begin() as uow:
        saved = await uow.orders.save(replace(FULL, **TIMES))
    assert saved == replace(FULL, **TIMES, version=5)
    assert await stored_order(store, FULL.id) == saved
    assert await store.orders.order(FULL.id) == shown_order(saved)
    assert await listed(store) == [OrderView.of(saved)]


async def test_an_order_that_nobody_placed_is_none(store: Store) -> None:
    assert await stored_order(store, uuid4()) is None
    assert await store.orders.order(uuid4()) is None
    assert await listed(store) == []


async def test_lines_keep_their_order(store: Store) -> None:
    order = an_order(ADA, *(a_line(a_product(f"p{n}"), n + 1) for n in range(100)))
    await add(store, ADA)
    await add_orders(store, order)
    assert await stored_order(store, order.id) == order
    assert [view.lines for view in await listed(store)] == [OrderView.of(order).lines]


async def test_nobody_who_is_gone_has_a_new_order(store: Store) -> None:
    order = an_order(a_user("gone"))
    with pytest.raises(NotFound, match="user"):
        await add_orders(store, order)
    assert await listed(store) == []


async def test_nobody_who_goes_just_now_has_a_new_order(store: Store) -> None:
    await add(store, ADA)
    async with store.transactions.begin() as uow:
        await uow.users.remove(ADA.id)
        placing = asyncio.create_task(add_orders(store, an_order(ADA)))
        await asyncio.sleep(0.2)
    with pytest.raises(NotFound, match="user"):
        await placing
    assert await listed(store) == []


async def test_only_the_version_that_was_read_is_saved(store: Store) -> None:
    order = an_order(ADA)
    await add(store, ADA)
    await add_orders(store, order)
    async with store.transactions.begin() as uow:
        saved = await uow.orders.save(order.become(OrderStatus.PAID, NOW))
    for stale in (order, replace(saved, id=uuid4())):
        with pytest.raises(Conflict, match="meanwhile"):
            async with store.transactions.begin() as uow:
                await uow.orders.save(stale)
    assert await stored_order(store, order.id) == saved


async def test_orders_stay_without_a_name_when_the_account_goes(store: Store) -> None:
    orders = [an_order(ADA, status=status) for status in OrderStatus]
    theirs = an_order(BOB)
    await add(store, ADA, BOB)
    await add_orders(store, *orders, theirs)
    async with store.transactions.begin() as uow:
        await uow.payments.add(a_payment(orders[0]))
    await remove(store, ADA)
    assert [await stored_order(store, order.id) for order in orders] == [replace(o, user_id=None) for o in orders]
    assert await stored_order(store, theirs.id) == theirs
    assert await listed(store, user_id=ADA.id) == []
    async with store.transactions.begin() as uow:
        assert len(await uow.payments.of_order(orders[0].id)) == 1


async def test_lines_stay_when_the_product_goes(store: Store) -> None:
    mug = a_product("mug")
    order = an_order(ADA, a_line(mug, 2))
    await add(store, ADA)
    await add_products(store, mug)
    await add_orders(store, order)
    async with store.transactions.begin() as uow:
        await uow.products.remove(mug.id)
    assert await stored_order(store, order.id) == order


async def test_those_that_are_only_placed_are_found_of_one_member(store: Store) -> None:
    orders = [an_order(ADA, status=status) for status in (*OrderStatus, OrderStatus.PLACED)]
    await add(store, ADA, BOB)
    await add_orders(store, *orders, an_order(BOB))
    async with store.transactions.begin() as uow:
        found = await uow.orders.placed_by(ADA.id)
        assert await uow.orders.placed_by(uuid4()) == []
    assert list(found) == sorted((orders[0], orders[-1]), key=lambda order: order.id)


async def test_lists_are_newest_first_and_filtered(store: Store) -> None:
    statuses = list(OrderStatus)
    orders = [
        an_order((ADA, BOB)[n % 2], status=statuses[n % 5], placed_at=NOW + timedelta(seconds=n // 3))
        for n in range(20)
    ]
    await add(store, ADA, BOB)
    await add_orders(store, *orders)
    orders.sort(key=lambda order: (order.placed_at, order.id), reverse=True)
    for user in (None, ADA.id, BOB.id, uuid4()):
        for status in (None, *OrderStatus):
            wanted = [o for o in orders if user in (None, o.user_id) and status in (None, o.status)]
            assert await listed(store, user_id=user, status=status) == [OrderView.of(order) for order in wanted]
            seen: list[OrderView] = []
            after: Position | None = None
            filters = OrderFilters(user, status)
            while rows := await store.orders.orders(filters, after=after, offset=0, limit=3):
                seen += [row.value for row in rows]
                after = rows[-1].position
            assert seen == [OrderView.of(order) for order in wanted]


@pytest.mark.parametrize(
    "filters", [OrderFilters(user_id, status) for user_id in (None, ADA.id) for status in (None, OrderStatus.PAID)]
)
async def test_a_page_is_read_by_an_index_and_all_its_lines_at_once(store: Store, filters: OrderFilters) -> None:
    if store.engine is None:
        return
    await add(store, ADA)
    await add_orders(store, *(an_order(ADA, status=OrderStatus.PAID) for _ in range(5)))
    asked = Asked.on(store.engine)
    rows = await store.orders.orders(filters, after=Position(NOW + SECOND, uuid4()), offset=0, limit=100)
    assert len(rows) == 5
    assert len(asked.statements) == 2
    lines = await asked.plan(whatever_it_costs=True)
    assert any("order_lines" in step for step in lines), lines
    page = await asked.plan(whatever_it_costs=True)
    assert any("ix_orders_" in step for step in page), page
    assert not any("Sort" in step or "TEMP B-TREE" in step for step in page), page


async def test_payments_come_back_the_oldest_first(store: Store) -> None:
    order = an_order(ADA)
    await add(store, ADA)
    await add_orders(store, order)
    later = a_payment(order, created_at=NOW + SECOND)
    first = a_payment(order, gateway="manual", reference="r1", reason="no money", status=PaymentStatus.FAILED)
    async with store.transactions.begin() as uow:
        await uow.payments.add(later)
        await uow.payments.add(first)
    settled = later.settled(PaymentStatus.SUCCEEDED, NOW + 2 * SECOND, reference="r1")
    async with store.transactions.begin() as uow:
        assert await uow.payments.get(first.id) == first
        assert await uow.payments.get(uuid4()) is None
        await uow.payments.save(settled)
    async with store.transactions.begin() as uow:
        assert list(await uow.payments.of_order(order.id)) == [first, settled]
        assert await uow.payments.of_order(uuid4()) == []


async def test_a_gateway_gives_a_reference_to_one_payment(store: Store) -> None:
    order = an_order(ADA)
    await add(store, ADA)
    await add_orders(store, order)
    one, other = a_payment(order, reference="r1"), a_payment(order)

    async def store_both(twin: Payment) -> None:
        async with store.transactions.begin() as uow:
            await uow.payments.save(twin)

    async with store.transactions.begin() as uow:
        await uow.payments.add(one)
        await uow.payments.add(other)
    with pytest.raises(Conflict, match="reference"):
        await store_both(replace(other, reference="r1"))
    await store_both(replace(other, reference="r1", gateway="another"))


async def test_an_order_of_a_hundred_lines_costs_as_many_statements_as_one_of_one(store: Store) -> None:
    if store.engine is None:
        return
    await add(store, ADA)
    made = [a_product(f"p{n}") for n in range(100)]
    await add_products(store, *made)

    async def statements(number: int) -> int:
        assert store.engine is not None
        asked = Asked.on(store.engine)
        async with store.transactions.begin() as uow:
            found = await uow.products.all_of([product.sku for product in made[:number]], locked=False)
            order = an_order(ADA, *map(a_line, found))
            await uow.orders.add(order)
            assert await uow.products.take(order.held, of=found)
        assert len(order.lines) == number
        return len(asked.statements)

    assert await statements(1) == await statements(100)

"""The same shop on memory, SQLite and PostgreSQL: same answers, and neither goods nor money come from nowhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.payments import SandboxGateway
from adapters.payments.sandbox import notice_of
from application.app import Application
from application.idempotency import AnsweredAlready, Once
from application.identity.views import Versioned
from application.orders.views import OrderView
from domain.access.actor import ANONYMOUS, Actor, member, operator
from domain.errors import MoothallError
from domain.orders.order import Order, OrderStatus, Wanted
from domain.orders.payment import Payment, PaymentStatus
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.contracts.builders import NOW, a_user
from tests.limits import UNLIMITED
from tests.stores import MEMORY, STORES, database_url

OPERATOR = operator("test")
SKUS = ("mug", "cup", "tea")
OPEN = (OrderStatus.PLACED, OrderStatus.PAID, OrderStatus.FULFILLED)
_numbers = count()

products = st.sampled_from(SKUS)
places = st.sampled_from([0, 0, 0, 1, 1, 2, 9])
stocks = st.none() | st.integers(0, 6)
keys = st.sampled_from([None, "a", "b"])
Answer = tuple[Any, ...]


@dataclass
class Shop:
    """One store's, with the orders in the order in which they were placed."""

    application: Application
    suffix: str = ""
    member: Actor = ANONYMOUS
    orders: list[UUID] = field(default_factory=list)
    put_in: dict[UUID, int] = field(default_factory=dict)
    """What there is of each product that is counted: left, and held by orders."""

    async def open(self, suffix: str) -> None:
        user = a_user(f"buyer-{suffix}")
        async with self.application.orders.place_order.transactions.begin() as uow:
            await uow.users.add(user)
        self.suffix, self.orders, self.put_in = suffix, [], {}
        self.member = member(user.id, frozenset(), session_id=user.id, signed_in_at=NOW)

    def sku(self, name: str) -> str:
        return f"{name}-{self.suffix}"

    def order(self, place: int) -> UUID:
        """The latest, the one before it, and so on; one that there is not."""
        return self.orders[-1 - place] if place < len(self.orders) else UUID(int=place + 1)

    async def books(self) -> list[Order]:
        async with self.application.orders.place_order.transactions.begin() as uow:
            found = [await uow.orders.get(order_id) for order_id in self.orders]
        return [order for order in found if order is not None]

    async def held(self, product_id: UUID) -> int:
        return sum(order.held.get(product_id, 0) for order in await self.books() if order.status in OPEN)

    async def count_stock(self, name: str) -> None:
        """An administrator said what there is."""
        found = await self.application.products.show_product.queries.product(self.sku(name))
        if found is not None:
            self.put_in.pop(found.value.id, None)
            if found.value.stock is not None:
                self.put_in[found.value.id] = found.value.stock + await self.held(found.value.id)

    async def call_back(self, place: int, status: PaymentStatus) -> None:
        """The gateway says what became of the last payment of an order."""
        application = self.application.orders
        async with application.place_order.transactions.begin() as uow:
            payments = [p for p in await uow.payments.of_order(self.order(place)) if p.gateway == "sandbox"]
        if payments:
            sandbox = application.pay_order.gateways.by_name["sandbox"]
            assert isinstance(sandbox, SandboxGateway)
            body = notice_of(payments[-1], status, f"r-{payments[-1].id}")
            await application.take_payment_notice(ANONYMOUS, gateway="sandbox", body=body, signature=sandbox.sign(body))


def once(key: str | None, what: object) -> Once[Versioned[OrderView]] | None:
    if key is None:
        return None
    return Once(key, repr(what).encode().ljust(32)[:32], lambda order: order.value.status.value.encode())


def told(result: Any) -> Answer:
    """An answer without what differs by chance."""
    match result:
        case Versioned(value=OrderView() as order, version=version):
            lines = [(line.sku, line.quantity, line.unit_price) for line in order.lines]
            return "order", order.status, order.total, order.currency, lines, version
        case Versioned(value=product, version=version):
            return "product", product.sku, product.price, product.stock, product.is_active, version
        case _:
            return (result,)


class SideBySide(RuleBasedStateMachine):
    loop: ClassVar[asyncio.AbstractEventLoop]
    shops: ClassVar[list[Shop]]

    def everywhere(self, do: Callable[[Shop], Awaitable[Any]]) -> None:
        async def answer(shop: Shop) -> Answer:
            try:
                return told(await do(shop))
            except MoothallError as error:
                return type(error), error.code
            except AnsweredAlready as kept:
                return "again", kept.answer

        async def all_of_them() -> list[Answer]:
            return [await answer(shop) for shop in self.shops]

        first, *others = self.loop.run_until_complete(all_of_them())
        assert [first] * len(others) == others

    @initialize()
    def open(self) -> None:
        suffix = f"n{next(_numbers)}"
        for shop in self.shops:
            self.loop.run_until_complete(shop.open(suffix))
        for number, name in enumerate(SKUS):
            self.add(name, 100 + number, "EUR", (5, 3, None)[number])
        self.place([("mug", 1), ("cup", 1)], None)

    @rule(name=products, price=st.sampled_from([0, 1, 999]), currency=st.sampled_from(["EUR", "USD"]), stock=stocks)
    def add(self, name: str, price: int, currency: str, stock: int | None) -> None:
        async def do(shop: Shop) -> Any:
            made = await shop.application.products.create_product(
                OPERATOR, sku=shop.sku(name), name=name, price=price, currency=currency, stock=stock
            )
            await shop.count_stock(name)
            return made

        self.everywhere(do)

    @rule(name=products, stock=stocks)
    def set_stock(self, name: str, stock: int | None) -> None:
        async def do(shop: Shop) -> Any:
            changed = await shop.application.products.update_product(OPERATOR, sku=shop.sku(name), stock=stock)
            await shop.count_stock(name)
            return changed

        self.everywhere(do)

    @rule(name=products, price=st.sampled_from([0, 5, 10**12, -1]), is_active=st.booleans())
    def change(self, name: str, price: int, is_active: bool) -> None:
        self.everywhere(
            lambda shop: shop.application.products.update_product(
                OPERATOR, sku=shop.sku(name), price=price, is_active=is_active
            )
        )

    @rule(name=products)
    def delete(self, name: str) -> None:
        async def do(shop: Shop) -> Any:
            found = await shop.application.products.show_product.queries.product(shop.sku(name))
            if found is not None:
                shop.put_in.pop(found.value.id, None)
            return await shop.application.products.delete_product(OPERATOR, sku=shop.sku(name))

        self.everywhere(do)

    @rule(
        lines=st.lists(st.tuples(products, st.sampled_from([1, 1, 2, 3, 0, 10**6])), max_size=3),
        key=keys,
    )
    def place(self, lines: list[tuple[str, int]], key: str | None) -> None:
        async def do(shop: Shop) -> Any:
            placed = await shop.application.orders.place_order(
                shop.member, lines=[Wanted(shop.sku(name), quantity) for name, quantity in lines], once=once(key, lines)
            )
            shop.orders.append(placed.value.id)
            return placed

        self.everywhere(do)

    @rule(place=places, gateway=st.sampled_from(["sandbox", "manual", "none"]), key=keys, by_staff=st.booleans())
    def pay(self, place: int, gateway: str, key: str | None, by_staff: bool) -> None:
        self.everywhere(
            lambda shop: shop.application.orders.pay_order(
                OPERATOR if by_staff else shop.member,
                order_id=shop.order(place),
                gateway=gateway,
                once=once(key, ("pay", place, gateway)),
            )
        )

    @rule(place=places, instruction=st.sampled_from(["late", "late", "late", "twice", "fail", "explode"]))
    def pay_badly(self, place: int, instruction: str) -> None:
        self.everywhere(
            lambda shop: shop.application.orders.pay_order(
                shop.member, order_id=shop.order(place), gateway="sandbox", instruction=instruction
            )
        )

    @rule(place=places, status=st.sampled_from([PaymentStatus.SUCCEEDED, PaymentStatus.FAILED]))
    def call_back(self, place: int, status: PaymentStatus) -> None:
        self.everywhere(lambda shop: shop.call_back(place, status))

    @rule(place=places, verb=st.sampled_from(["cancel_order", "pay_order"]))
    def answer_too_late(self, place: int, verb: str) -> None:
        """The order does not wait for this money any more: what chance alone hardly ever brings together."""
        self.pay_badly(place, "late")
        self.turn(place, verb, None)
        self.call_back(place, PaymentStatus.SUCCEEDED)

    @rule(place=places, verb=st.sampled_from(["fulfil_order", "cancel_order", "refund_order"]), key=keys)
    def turn(self, place: int, verb: str, key: str | None) -> None:
        self.everywhere(
            lambda shop: getattr(shop.application.orders, verb)(
                OPERATOR, order_id=shop.order(place), once=once(key, (verb, place))
            )
        )

    @rule()
    def work(self) -> None:
        """What follows is done: late answers come, and money goes back."""
        for shop in self.shops:
            self.loop.run_until_complete(shop.application.runner.drain())
            assert not self.loop.run_until_complete(_due_back(shop))

    @invariant()
    def goods_are_conserved(self) -> None:
        for shop in self.shops:
            self.loop.run_until_complete(_goods_are_conserved(shop))

    @invariant()
    def money_is_conserved(self) -> None:
        for shop in self.shops:
            self.loop.run_until_complete(_money_is_conserved(shop))


async def _goods_are_conserved(shop: Shop) -> None:
    for name in SKUS:
        found = await shop.application.products.show_product.queries.product(shop.sku(name))
        if found is not None and found.value.id in shop.put_in:
            assert found.value.stock is not None
            assert found.value.stock >= 0
            assert found.value.stock + await shop.held(found.value.id) == shop.put_in[found.value.id]


async def _money_is_conserved(shop: Shop) -> None:
    """What was kept is the total of each order that is paid, and nothing for any other."""
    for order in await shop.books():
        async with shop.application.orders.place_order.transactions.begin() as uow:
            payments = await uow.payments.of_order(order.id)
        kept = sum(payment.amount for payment in payments if payment.status is PaymentStatus.SUCCEEDED)
        is_paid = order.status in (OrderStatus.PAID, OrderStatus.FULFILLED)
        assert kept == (order.total if is_paid else 0)
        assert order.total == sum(line.quantity * line.unit_price for line in order.lines)


async def _due_back(shop: Shop) -> list[Payment]:
    found = []
    for order in await shop.books():
        async with shop.application.orders.place_order.transactions.begin() as uow:
            found += [p for p in await uow.payments.of_order(order.id) if p.status is PaymentStatus.REFUND_DUE]
    return found


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    resources = AsyncExitStack()

    async def opened(store: str) -> Shop:
        folder = tmp_path / store
        folder.mkdir()
        chosen = Settings(bcrypt_cost=4, data_dir=folder, database_url=database_url(store, folder), **UNLIMITED)
        return Shop(await resources.enter_async_context(open_application(chosen, in_memory=store == MEMORY)))

    try:
        SideBySide.loop = loop
        SideBySide.shops = [loop.run_until_complete(opened(store)) for store in STORES]
        yield
    finally:
        loop.run_until_complete(resources.aclose())
        loop.close()


def test_three_shops_answer_alike_and_lose_nothing(shops: None) -> None:
    run_state_machine_as_test(
        SideBySide,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

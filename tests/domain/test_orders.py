"""Orders: what they cost, what they hold, and what may become of them."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Conflict, Invalid
from domain.money import CURRENCIES, LARGEST_TOTAL
from domain.orders.events import OrderCancelled
from domain.orders.order import (
    COMES_FROM,
    EVENTS,
    LARGEST_QUANTITY,
    Order,
    OrderStatus,
    Wanted,
)
from domain.products.product import HIGHEST_PRICE, Product

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def product(sku: str = "mug", **fields: object) -> Product:
    made = Product(
        id=uuid4(),
        sku=sku,
        name=sku,
        description=None,
        price=100,
        currency="EUR",
        stock=None,
        is_active=True,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def placed(*bought: tuple[Product, int]) -> Order:
    return Order.placed(
        id=uuid4(),
        user_id=UUID(int=1),
        wanted=[Wanted(one.sku, quantity) for one, quantity in bought],
        products={one.sku_key: one for one, _ in bought},
        now=NOW,
    )


@given(
    st.lists(
        st.tuples(st.integers(0, HIGHEST_PRICE), st.integers(1, LARGEST_QUANTITY), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_the_total_is_exact_or_refused(lines: list[tuple[int, int, bool]]) -> None:
    bought = [
        (product(f"p{n}", price=price, stock=quantity if is_counted else None), quantity)
        for n, (price, quantity, is_counted) in enumerate(lines)
    ]
    total = sum(price * quantity for price, quantity, _ in lines)
    if total > LARGEST_TOTAL:
        with pytest.raises(Invalid) as refused:
            placed(*bought)
        assert refused.value.code == "total-too-large"
        return
    order = placed(*bought)
    assert order.total == total
    assert float(total) == total
    assert order.held == {one.id: quantity for one, quantity in bought if one.stock is not None}


@given(st.integers(0, 10), st.integers(1, 20))
def test_no_more_is_sold_than_is_left(stock: int, quantity: int) -> None:
    one = product(stock=stock)
    if quantity <= stock:
        assert placed((one, quantity)).held == {one.id: quantity}
        return
    with pytest.raises(Conflict) as refused:
        placed((one, quantity))
    assert refused.value.code == "out-of-stock"


@given(st.lists(st.sampled_from(list(OrderStatus)), max_size=6))
def test_an_order_becomes_only_what_its_state_allows(wanted: list[OrderStatus]) -> None:
    order = placed((product(), 1))
    for status in wanted:
        if order.status in COMES_FROM.get(status, ()):
            order = order.become(status, LATER)
            assert order.status is status
            assert getattr(order, f"{status.value}_at") == LATER
        elif status in COMES_FROM:
            with pytest.raises(Conflict) as refused:
                order.become(status, LATER)
            assert refused.value.code in ("order-not-placed", "order-not-paid")
    assert order.placed_at == NOW


def test_what_is_over_stays_over() -> None:
    after = {before for allowed in COMES_FROM.values() for before in allowed}
    assert set(OrderStatus) - after == {OrderStatus.CANCELLED, OrderStatus.REFUNDED}
    assert set(EVENTS) == set(OrderStatus)


def test_what_becomes_of_an_order_is_told_even_if_it_is_nobodys_any_more() -> None:
    order = replace(placed((product(), 1)), status=OrderStatus.CANCELLED)
    assert order.event == OrderCancelled(order.id, order.user_id)
    assert replace(order, user_id=None).event == OrderCancelled(order.id, None)


def test_a_number_is_short_and_told_from_the_id() -> None:
    order = replace(placed((product(), 1)), id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
    assert order.number == "099A8057"


@given(st.text(max_size=4))
def test_a_currency_is_one_of_iso_4217(code: str) -> None:
    if code in CURRENCIES:
        assert product(currency=code).currency == code
    else:
        with pytest.raises(Invalid):
            product(currency=code)


def test_all_codes_look_like_codes() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
    assert {"EUR", "USD", "JPY", "KWD", "CHF"} <= CURRENCIES

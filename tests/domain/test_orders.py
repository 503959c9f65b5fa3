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
    MOST_LINES,
    Order,
    OrderLine,
    OrderStatus,
    Wanted,
    checked,
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


# What is wrong with an order, and where


def refused_at(*bought: tuple[Product, int]) -> Invalid:
    with pytest.raises(Invalid) as refused:
        placed(*bought)
    return refused.value


def test_an_order_is_as_it_was_asked_for_at_the_prices_of_the_products() -> None:
    mug, cap = product("mug", name="A mug", price=250, stock=5), product("Cap", name="A cap", price=100)
    order = Order.placed(
        id=UUID(int=7),
        user_id=UUID(int=1),
        wanted=[Wanted("MUG", 2), Wanted("cap", 3)],
        products={"mug": mug, "cap": cap},
        now=NOW,
    )
    assert order == Order(
        id=UUID(int=7),
        user_id=UUID(int=1),
        status=OrderStatus.PLACED,
        currency="EUR",
        total=800,
        lines=(
            OrderLine(mug.id, "mug", "A mug", 2, 250, is_held=True),
            OrderLine(cap.id, "Cap", "A cap", 3, 100, is_held=False),
        ),
        placed_at=NOW,
    )


def test_an_order_has_a_line_at_least_and_a_hundred_at_most() -> None:
    most = [Wanted(f"p{n}", 1) for n in range(MOST_LINES)]
    assert checked(most) == most
    for wanted in ([], [*most, Wanted("other", 1)]):
        with pytest.raises(Invalid) as refused:
            checked(wanted)
        assert refused.value.code == "bad-lines"
        assert refused.value.problems[0].pointer == "/lines"
        assert f"1 to {MOST_LINES}" in refused.value.detail


@pytest.mark.parametrize("quantity", [1, LARGEST_QUANTITY])
def test_the_bounds_of_a_quantity_are_good(quantity: int) -> None:
    assert checked([Wanted("mug", quantity)]) == [Wanted("mug", quantity)]


@pytest.mark.parametrize("quantity", [-1, 0, LARGEST_QUANTITY + 1])
def test_a_quantity_beyond_them_is_refused_where_it_stands(quantity: int) -> None:
    with pytest.raises(Invalid) as refused:
        checked([Wanted("mug", 1), Wanted("cap", quantity)])
    assert refused.value.code == "out-of-range"
    assert refused.value.problems[0].pointer == "/lines/1/quantity"
    assert f"from 1 to {LARGEST_QUANTITY}" in refused.value.detail


def test_a_product_on_two_lines_is_pointed_at_on_both() -> None:
    with pytest.raises(Invalid) as refused:
        checked([Wanted("mug", 1), Wanted("cap", 1), Wanted("MUG", 2)])
    assert refused.value.code == "bad-lines"
    assert [problem.pointer for problem in refused.value.problems] == ["/lines/0/sku", "/lines/2/sku"]
    assert {problem.detail for problem in refused.value.problems} == {refused.value.detail}
    assert refused.value.detail.startswith("This product is on another line too")


def test_what_is_not_for_sale_is_not_bought() -> None:
    wanted = [Wanted("cap", 1), Wanted("mug", 1)]
    cap = product("cap")
    for products in ({"cap": cap}, {"cap": cap, "mug": product("mug", is_active=False)}):
        with pytest.raises(Invalid) as refused:
            Order.placed(id=uuid4(), user_id=UUID(int=1), wanted=wanted, products=products, now=NOW)
        assert refused.value.code == "unknown-product"
        assert refused.value.problems[0].pointer == "/lines/1/sku"
        assert refused.value.detail.startswith("There is no such product")


def test_an_order_is_in_the_currency_of_its_first_line() -> None:
    error = refused_at((product("mug"), 1), (product("cap"), 1), (product("pen", currency="USD"), 1))
    assert error.code == "mixed-currencies"
    assert error.problems[0].pointer == "/lines/2/sku"
    assert "in USD, not in EUR" in error.detail
    error = refused_at((product("mug"), 1), (product("pen", currency="USD"), 1))
    assert error.problems[0].pointer == "/lines/1/sku"
    assert "in USD, not in EUR" in error.detail


def test_the_largest_total_is_taken_and_one_more_is_not() -> None:
    dear, cheap = product("dear", price=HIGHEST_PRICE), product("cheap", price=LARGEST_TOTAL % HIGHEST_PRICE)
    often = LARGEST_TOTAL // HIGHEST_PRICE
    assert placed((dear, often), (cheap, 1)).total == LARGEST_TOTAL
    error = refused_at((dear, often), (replace(cheap, price=cheap.price + 1), 1))
    assert error.code == "total-too-large"
    assert error.problems[0].pointer == "/lines"
    assert error.detail.startswith("This is more than one order may cost")


def test_all_that_is_lacking_is_named() -> None:
    with pytest.raises(Conflict) as refused:
        placed((product("mug", stock=1), 2), (product("pen", stock=2), 2), (product("cap", stock=0), 1))
    assert refused.value.code == "out-of-stock"
    assert refused.value.detail == "Not so many are left of: mug, cap."


@pytest.mark.parametrize(
    ("status", "before", "code"),
    [
        (OrderStatus.PAID, OrderStatus.CANCELLED, "order-not-placed"),
        (OrderStatus.CANCELLED, OrderStatus.PAID, "order-not-placed"),
        (OrderStatus.FULFILLED, OrderStatus.PLACED, "order-not-paid"),
        (OrderStatus.REFUNDED, OrderStatus.PLACED, "order-not-paid"),
    ],
)
def test_an_order_in_another_state_says_in_which(status: OrderStatus, before: OrderStatus, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        replace(placed((product(), 1)), status=before).require_may_become(status)
    assert refused.value.code == code
    assert refused.value.detail == f"This order is {before.value}."

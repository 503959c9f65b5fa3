"""Products: what they may be called and cost, and how many are left."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.products.product import (
    HIGHEST_PRICE,
    LARGEST_STOCK,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    Product,
    counted,
    is_sku,
    key_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def a_product(**fields: Any) -> Product:
    given: dict[str, Any] = {
        "id": UUID(int=1),
        "sku": "Mug-1",
        "name": "Mug",
        "description": None,
        "price": 1250,
        "currency": "EUR",
        "stock": 3,
        "is_active": True,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Product(**given | fields)


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"sku": "-mug"}, "bad-sku", "/sku"),
        ({"name": " "}, "empty-text", "/name"),
        ({"name": "x" * (LONGEST_NAME + 1)}, "text-too-long", "/name"),
        ({"name": "a\nb"}, "control-characters", "/name"),
        ({"description": "x" * (LONGEST_DESCRIPTION + 1)}, "text-too-long", "/description"),
        ({"description": "\0"}, "control-characters", "/description"),
        ({"price": -1}, "out-of-range", "/price"),
        ({"price": HIGHEST_PRICE + 1}, "out-of-range", "/price"),
        ({"currency": "EURO"}, "unknown-currency", "/currency"),
    ],
)
def test_what_breaks_a_rule_is_refused(fields: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_product(**fields)
    assert refused.value.code == code
    assert refused.value.problems[0].pointer == pointer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", "0"),
        ("sku", "A._-" + "z" * 60),
        ("name", "x" * LONGEST_NAME),
        ("description", "x" * LONGEST_DESCRIPTION),
        ("description", ""),
        ("description", "one\n\ttwo"),
        ("price", 0),
        ("price", HIGHEST_PRICE),
    ],
)
def test_what_keeps_the_rules_is_kept_as_typed(field: str, value: object) -> None:
    assert getattr(a_product(**{field: value}), field) == value


def test_a_refused_sku_is_told_how_one_looks() -> None:
    with pytest.raises(Invalid) as refused:
        a_product(sku="a mug")
    assert refused.value.detail.startswith("A sku has 1 to 64 of A-Z, a-z, 0-9, ., _ and -")


@pytest.mark.parametrize("text", ["", "-a", ".a", "_a", "a b", "ä", "a/b", "a\n", "x" * 65])
def test_what_is_no_sku(text: str) -> None:
    assert not is_sku(text)


@pytest.mark.parametrize("text", ["a", "7", "A-1", "x" * 64])
def test_what_is_a_sku(text: str) -> None:
    assert is_sku(text)


def test_case_tells_no_skus_apart() -> None:
    assert a_product(sku="Mug-1").sku_key == key_of("MUG-1") == "mug-1"


def test_a_list_by_name_looks_at_the_first_50_folded_letters() -> None:
    assert a_product(name="ＭＵＧ Blue").name_order == "mug blue"
    assert a_product(name="X" * 51).name_order == "x" * 50


def test_a_product_is_found_by_its_sku_and_its_name() -> None:
    assert a_product(sku="Mug-1", name="Blue Cup").search_text == " mug 1 blue cup"


def test_a_change_says_when_it_was_made() -> None:
    before = a_product()
    after = before.changed(LATER, price=1300, name="Cup")
    assert after == a_product(price=1300, name="Cup", updated_at=LATER)


def test_what_changes_nothing_leaves_the_same_product() -> None:
    product = a_product()
    assert product.changed(LATER, price=product.price, name=product.name) is product


def test_a_change_keeps_the_rules() -> None:
    with pytest.raises(Invalid) as refused:
        a_product().changed(LATER, price=-1)
    assert refused.value.code == "out-of-range"


def test_no_more_is_there_than_is_left() -> None:
    product = a_product(stock=3)
    assert product.has(3)
    assert not product.has(4)


def test_of_what_is_not_counted_there_is_always_enough() -> None:
    assert a_product(stock=None).has(10**9)


@pytest.mark.parametrize("stock", [None, 0, 1, LARGEST_STOCK])
def test_a_stock_is_none_or_a_number(stock: int | None) -> None:
    assert counted(stock) == stock


@pytest.mark.parametrize("stock", [-1, LARGEST_STOCK + 1])
def test_a_stock_has_its_bounds(stock: int) -> None:
    with pytest.raises(Invalid) as refused:
        counted(stock)
    assert refused.value.code == "out-of-range"
    assert refused.value.problems[0].pointer == "/stock"
    assert f"from 0 to {LARGEST_STOCK}" in refused.value.detail

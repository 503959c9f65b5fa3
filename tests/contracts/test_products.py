"""Products: found by sku, listed in order, searched by words, and their stock moved without a race."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.paging import Position, Sort
from application.products.views import PRODUCT_SORTS, ProductFilters, ProductView, shown_product
from domain.errors import Conflict
from domain.products.product import HIGHEST_PRICE, LARGEST_STOCK, Product
from domain.text import words
from tests.contracts.builders import NOW, SECOND, a_product, add_products, examples
from tests.contracts.plans import Asked
from tests.contracts.test_text_and_time import HOSTILE
from tests.stores import Store

NEWEST = Sort("created_at", descending=True)
FULL = a_product(
    "Mug.Blue_1-x",
    name="Blaue Tasse ☕",
    description="Line\nafter\tline",
    price=HIGHEST_PRICE,
    currency="JPY",
    stock=LARGEST_STOCK,
    is_active=False,
    created_at=NOW - SECOND,
    updated_at=NOW,
    version=3,
)
BARE = a_product("b", stock=None, price=0)
WORDS = ["tea", "teapot", "Über", "ﬁne", "№5", "x1"]


async def listed(store: Store, sort: Sort = NEWEST, **filters: object) -> list[ProductView]:
    found = ProductFilters(**filters)  # type: ignore[arg-type]
    rows = await store.products.products(found, sort, after=None, offset=0, limit=1000)
    assert await store.products.count_products(found) == len(rows)
    return [row.value for row in rows]


async def skus(store: Store, sort: Sort = NEWEST, **filters: object) -> list[str]:
    return [view.sku for view in await listed(store, sort, **filters)]


async def stored_product(store: Store, sku: str) -> Product | None:
    async with store.transactions.begin() as uow:
        return await uow.products.get(sku)


async def test_every_field_comes_back(store: Store) -> None:
    await add_products(store, FULL, BARE)
    assert await store.products.product(FULL.sku) == shown_product(FULL)
    assert await stored_product(store, BARE.sku) == BARE
    assert await listed(store) == [ProductView.of(BARE), ProductView.of(FULL)]


async def test_a_sku_is_found_however_its_case_is_written(store: Store) -> None:
    await add_products(store, FULL)
    for sku in ("mug.blue_1-x", "MUG.BLUE_1-X"):
        assert await store.products.product(sku) == shown_product(FULL)
        assert await stored_product(store, sku) == FULL


@pytest.mark.parametrize("sku", ["", "nothing", "\0", "\ud800", "x" * 10_000, "mug%", "-mug", "mug-\u212a"])
async def test_what_is_no_sku_of_any_product_finds_nothing(store: Store, sku: str) -> None:
    """The last one is a Kelvin sign, of which the small letter is a k."""
    await add_products(store, a_product("mug"), a_product("mug-k"))
    assert await store.products.product(sku) is None
    assert await stored_product(store, sku) is None
    async with store.transactions.begin() as uow:
        assert await uow.products.all_of([sku], locked=True) == []


async def test_of_skus_that_differ_by_case_exactly_one_is_stored(store: Store) -> None:
    async def attempt(sku: str) -> str | None:
        try:
            await add_products(store, a_product(sku))
        except Conflict as conflict:
            return conflict.code
        return None

    codes = await asyncio.gather(*map(attempt, ("mug-1", "Mug-1", "MUG-1")))
    assert sorted(code or "" for code in codes) == ["", "sku-taken", "sku-taken"]


async def test_the_sku_of_a_removed_product_is_free_again(store: Store) -> None:
    first, second = a_product("mug"), a_product("MUG", name="Another")
    await add_products(store, first)
    async with store.transactions.begin() as uow:
        await uow.products.remove(first.id)
    await add_products(store, second)
    assert await stored_product(store, "mug") == second


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_text_comes_back_or_is_refused_by_the_domain(store: Store, text: str) -> None:
    product = a_product("mug", description=text)
    await add_products(store, product)
    assert await stored_product(store, "mug") == product


async def test_only_the_version_that_was_read_is_saved(store: Store) -> None:
    product = a_product("mug")
    await add_products(store, product)
    async with store.transactions.begin() as uow:
        saved = await uow.products.save(replace(product, price=1))
    assert saved == replace(product, price=1, version=2)
    for stale in (product, replace(product, id=uuid4())):
        with pytest.raises(Conflict, match="meanwhile"):
            async with store.transactions.begin() as uow:
                await uow.products.save(stale)
    assert await stored_product(store, "mug") == saved


async def test_stock_moves_without_the_version(store: Store) -> None:
    mug, cup, endless = a_product("mug", stock=5), a_product("cup", stock=0), a_product("air", stock=None)
    await add_products(store, mug, cup, endless)
    async with store.transactions.begin() as uow:
        assert await uow.products.take({mug.id: 5}, of=[mug])
        await uow.products.give_back({cup.id: 7, endless.id: 3, uuid4(): 4})
    assert await stored_product(store, "mug") == replace(mug, stock=0)
    assert await stored_product(store, "cup") == replace(cup, stock=7)
    assert await stored_product(store, "air") == endless


@pytest.mark.parametrize("changed", [{"stock": 2}, {"price": 1}, {"stock": None}, {}])
async def test_nothing_is_taken_where_one_of_them_is_not_as_it_was_read(store: Store, changed: dict[str, Any]) -> None:
    """There is too little of it, it was changed, or it is gone."""
    mug, cup = a_product("mug", stock=5), a_product("cup", stock=5)
    await add_products(store, mug, cup)
    async with store.transactions.begin() as uow:
        if changed:
            await uow.products.save(replace(mug, **changed))
        else:
            await uow.products.remove(mug.id)

    async def take() -> None:
        async with store.transactions.begin() as uow:
            if not await uow.products.take({cup.id: 3, mug.id: 3}, of=[mug, cup]):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await take()
    assert await stored_product(store, "cup") == cup


async def test_what_others_take_meanwhile_is_not_taken_again(store: Store) -> None:
    mug = a_product("mug", stock=5)
    await add_products(store, mug)

    async def take() -> bool:
        async with store.transactions.begin() as uow:
            return await uow.products.take({mug.id: 2}, of=[mug])

    assert sorted(await asyncio.gather(*(take() for _ in range(5)))) == [False] * 3 + [True] * 2
    assert await stored_product(store, "mug") == replace(mug, stock=1)


async def test_stock_that_is_taken_at_once_by_many_adds_up_whatever_their_order(store: Store) -> None:
    """Every pair is named in both orders: whoever locked as they were named would wait in a circle."""
    made = [a_product(f"p{n}", stock=100) for n in range(6)]
    await add_products(store, *made)

    async def take(number: int) -> None:
        wanted = made if number % 2 else made[::-1]
        async with store.transactions.begin() as uow:
            found = await uow.products.all_of([product.sku for product in wanted], locked=number % 3 == 0)
            assert {product.id for product in found} == {product.id for product in made}
            assert await uow.products.take({product.id: 1 for product in wanted}, of=found)

    await asyncio.gather(*map(take, range(20)))
    assert {view.stock for view in await listed(store)} == {80}


async def test_stock_that_is_given_back_at_once_does_not_wait_in_a_circle(store: Store) -> None:
    made = [a_product(f"p{n}", stock=100) for n in range(6)]
    await add_products(store, *made)

    async def give_back(number: int) -> None:
        async with store.transactions.begin() as uow:
            await uow.products.give_back({product.id: 1 for product in (made if number % 2 else made[::-1])})

    await asyncio.gather(*map(give_back, range(20)))
    assert {view.stock for view in await listed(store)} == {120}


@examples
@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.booleans(), st.sampled_from(["EUR", "USD"])),
        max_size=6,
    ),
    st.sampled_from(["te", "teapot tea", "UBER", "fi", "5", "x", "", "%", "a_", "tea zzz"]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "EUR", "\0"]),
    st.sampled_from(PRODUCT_SORTS),
    st.booleans(),
)
async def test_filters_words_and_sorts_find_what_they_say(
    store: Store,
    made: list[tuple[str, str, bool, str]],
    q: str,
    is_active: bool | None,
    currency: str | None,
    field: str,
    descending: bool,
) -> None:
    stored = [
        a_product(
            f"s{n % 3}.{n}", name=f"{one} {two}", is_active=active, currency=code, created_at=NOW + (n % 2) * SECOND
        )
        for n, (one, two, active, code) in enumerate(made)
    ]
    await add_products(store, *stored)
    sort = Sort(field, descending)
    value = {"created_at": "created_at", "sku": "sku_key", "name": "name_order"}[field]

    def found(by_words: bool) -> list[str]:
        wanted = words(q)
        kept = [
            p
            for p in stored
            if is_active in (None, p.is_active)
            and currency in (None, p.currency)
            and (not by_words or (wanted and all(f" {word}" in p.search_text for word in wanted)))
        ]
        kept.sort(key=lambda p: (getattr(p, value), p.id), reverse=descending)
        return [p.sku for p in kept]

    try:
        assert await skus(store, sort, is_active=is_active, currency=currency) == found(by_words=False)
        assert await skus(store, sort, is_active=is_active, currency=currency, q=q) == found(by_words=True)
    finally:
        async with store.transactions.begin() as uow:
            for product in stored:
                await uow.products.remove(product.id)


@pytest.mark.parametrize("field", PRODUCT_SORTS)
@pytest.mark.parametrize("descending", [True, False])
async def test_a_cursor_misses_no_product_and_repeats_none(store: Store, field: str, descending: bool) -> None:
    made = [a_product(f"p{n}", name="same", created_at=NOW + timedelta(seconds=n // 3)) for n in range(10)]
    await add_products(store, *made)
    sort = Sort(field, descending)
    whole = await skus(store, sort, is_active=True)
    seen: list[str] = []
    after: Position | None = None
    while rows := await store.products.products(ProductFilters(is_active=True), sort, after=after, offset=0, limit=3):
        seen += [row.value.sku for row in rows]
        after = rows[-1].position
    assert seen == whole
    assert len(whole) == 10


@pytest.mark.parametrize("field", PRODUCT_SORTS)
@pytest.mark.parametrize("is_active", [True, None])
async def test_a_page_is_read_by_an_index_that_has_its_order(store: Store, field: str, is_active: bool | None) -> None:
    if store.engine is None:
        return
    await add_products(store, *(a_product(f"p{n}") for n in range(3)))
    asked = Asked.on(store.engine)
    after = Position({"created_at": NOW, "sku": "p0", "name": "a p0"}[field], uuid4())
    await store.products.products(ProductFilters(is_active), Sort(field, False), after=after, offset=0, limit=2)
    plan = await asked.plan(whatever_it_costs=True)
    assert any("ix_products_" in step or "autoindex_products" in step for step in plan), plan
    assert not any("Sort" in step or "TEMP B-TREE" in step for step in plan), plan

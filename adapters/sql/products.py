"""Products within a unit of work, and as readers see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from adapters.sql.paging import paged, place
from adapters.sql.reading import Reader
from adapters.sql.tables import PRODUCT_ORDERS, products
from adapters.sql.text import storable
from adapters.sql.work import Work
from application.identity.views import Versioned
from application.paging import Position, Sort
from application.paging import Row as Placed
from application.products.ports import ProductQueries
from application.products.views import ProductFilters, ProductView, shown_product
from domain.errors import Conflict
from domain.products.product import Product, ProductRepository, is_sku, key_of
from domain.text import words

_INSERT = insert(products)
_FIND = select(products).where(products.c.sku_key == bindparam("key"))
_LOCK = _FIND.with_for_update()
_UPDATE = update(products).where(products.c.id == bindparam("product_id"), products.c.version == bindparam("was"))
_DELETE = delete(products).where(products.c.id == bindparam("product_id"))

# PostgreSQL takes any number of values as one, so that every order is placed by the same prepared statements. A row is
# locked before it changes, in an order of all: and once, for what locks is never made part of the statement around it.
_SEE_MANY = (
    select(products).where(products.c.sku_key == any_(cast(bindparam("keys"), ARRAY(Text)))).order_by(products.c.id)
)
_LOCK_MANY = _SEE_MANY.with_for_update()
_wanted = (
    func.unnest(
        cast(bindparam("ids"), ARRAY(Uuid)),
        cast(bindparam("quantities"), ARRAY(BigInteger)),
        cast(bindparam("versions"), ARRAY(Integer)),
    )
    .table_valued("id", "quantity", "version", name="wanted")
    .render_derived()
)
_takable = (
    select(products.c.id, _wanted.c.quantity)
    .join(_wanted, (_wanted.c.id == products.c.id) & (_wanted.c.version == products.c.version))
    .where(products.c.stock >= _wanted.c.quantity)
    .order_by(products.c.id)
    .with_for_update(of=products)
    .cte("takable")
)
_TAKE_MANY = update(products).where(products.c.id == _takable.c.id).values(stock=products.c.stock - _takable.c.quantity)
_returned = (
    func.unnest(cast(bindparam("ids"), ARRAY(Uuid)), cast(bindparam("quantities"), ARRAY(BigInteger)))
    .table_valued("id", "quantity", name="returned")
    .render_derived()
)
_counted = (
    select(products.c.id, _returned.c.quantity)
    .join(_returned, _returned.c.id == products.c.id)
    .where(products.c.stock.is_not(None))
    .order_by(products.c.id)
    .with_for_update(of=products)
    .cte("counted")
)
_GIVE_BACK_MANY = (
    update(products).where(products.c.id == _counted.c.id).values(stock=products.c.stock + _counted.c.quantity)
)

# SQLite has one writer at a time, and statements that cost no round trip.
_FIND_MANY = select(products).where(products.c.sku_key.in_(bindparam("keys", expanding=True))).order_by(products.c.id)
_TAKE_ONE = (
    update(products)
    .where(
        products.c.id == bindparam("product_id"),
        products.c.version == bindparam("seen"),
        products.c.stock >= bindparam("quantity"),
    )
    .values(stock=products.c.stock - bindparam("quantity"))
)
_GIVE_BACK_ONE = (
    update(products)
    .where(products.c.id == bindparam("product_id"), products.c.stock.is_not(None))
    .values(stock=products.c.stock + bindparam("quantity"))
)


class SqlProducts(ProductRepository):
    def __init__(self, work: Work) -> None:
        self._work = work
        self._on_postgresql = work.dialect == "postgresql"

    async def add(self, product: Product) -> None:
        await self._work.execute(_INSERT, _columns(product))

    async def get(self, sku: str) -> Product | None:
        if not is_sku(sku):
            return None
        row = (await self._work.execute(_LOCK, {"key": key_of(sku)})).one_or_none()
        return _product(row) if row else None

    async def all_of(self, skus: Collection[str], *, locked: bool) -> Sequence[Product]:
        keys = sorted({key_of(sku) for sku in skus if is_sku(sku)})
        statement = (_LOCK_MANY if locked else _SEE_MANY) if self._on_postgresql else _FIND_MANY
        found = await self._work.find(statement, {"keys": keys})
        return [_product(row) for row in found]

    async def save(self, product: Product) -> Product:
        saved = replace(product, version=product.version + 1)
        result = await self._work.execute(
            _UPDATE, {"product_id": product.id, "was": product.version, **_columns(saved)}
        )
        if result.rowcount == 0:
            raise self._work.spoil(Conflict("changed-meanwhile", "The product was changed meanwhile; read it again."))
        return saved

    async def take(self, quantities: Mapping[UUID, int], *, of: Sequence[Product]) -> bool:
        if not quantities:
            return True
        seen = {product.id: product.version for product in of}
        if self._on_postgresql:
            versions = [seen[product_id] for product_id in quantities]
            taken = await self._work.change(_TAKE_MANY, {**_arrays(quantities), "versions": versions})
            return taken == len(quantities)
        rows = [
            {"product_id": product_id, "quantity": quantity, "seen": seen[product_id]}
            for product_id, quantity in quantities.items()
        ]
        return (await self._work.execute(_TAKE_ONE, rows)).rowcount == len(rows)

    async def give_back(self, quantities: Mapping[UUID, int]) -> None:
        if not quantities:
            return
        if self._on_postgresql:
            await self._work.change(_GIVE_BACK_MANY, _arrays(quantities))
        else:
            rows = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in quantities.items()]
            await self._work.execute(_GIVE_BACK_ONE, rows)

    async def remove(self, product_id: UUID) -> None:
        await self._work.execute(_DELETE, {"product_id": product_id})


def _arrays(quantities: Mapping[UUID, int]) -> dict[str, Any]:
    return {"ids": list(quantities), "quantities": list(quantities.values())}


class SqlProductQueries(ProductQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def product(self, sku: str) -> Versioned[ProductView] | None:
        if not is_sku(sku):
            return None
        rows = await self._reader.look_up(_FIND, {"key": key_of(sku)})
        return shown_product(_product(rows[0])) if rows else None

    async def products(
        self, filters: ProductFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Placed[ProductView]]:
        parameters = _parameters(filters)
        if parameters is None:
            return []
        statement = _page(*self._shape(filters), sort, after is not None)
        rows = await self._reader.search(statement, {**parameters, **place(after, offset, limit)})
        value = PRODUCT_ORDERS[sort.field]
        return [Placed(Position(getattr(row, value), row.id), ProductView.of(_product(row))) for row in rows]

    async def count_products(self, filters: ProductFilters) -> int:
        parameters = _parameters(filters)
        if parameters is None:
            return 0
        return int((await self._reader.search(_count(*self._shape(filters)), parameters))[0][0])

    def _shape(self, filters: ProductFilters) -> tuple[bool | None, bool, int, bool]:
        """What the text of the statement depends on."""
        number = len(words(filters.q)) if filters.q is not None else 0
        return filters.is_active, filters.currency is not None, number, self._reader.on_postgresql


def _parameters(filters: ProductFilters) -> dict[str, object] | None:
    """None where nothing can be found: a currency that no store could hold, or a search without a word."""
    found: dict[str, object] = {}
    if filters.currency is not None:
        if not storable(filters.currency):
            return None
        found["currency"] = filters.currency
    if filters.q is None:
        return found
    wanted = words(filters.q)
    return {**found, **{f"word_{n}": f" {word}" for n, word in enumerate(wanted)}} if wanted else None


def _chosen(is_active: bool | None, by_currency: bool, number: int, on_postgresql: bool) -> list[ColumnElement[bool]]:
    """LIKE would find words as well, but PostgreSQL guesses that it finds hardly anything, and then sorts all."""
    conditions: list[ColumnElement[bool]] = []
    if is_active is not None:
        conditions.append(products.c.is_active if is_active else ~products.c.is_active)
    if by_currency:
        conditions.append(products.c.currency == bindparam("currency"))
    place_of = func.strpos if on_postgresql else func.instr
    conditions += [place_of(products.c.search_text, bindparam(f"word_{n}", type_=Text)) > 0 for n in range(number)]
    return conditions


@lru_cache
def _page(
    is_active: bool | None, by_currency: bool, number: int, on_postgresql: bool, sort: Sort, continues: bool
) -> Select[Any]:
    return paged(
        select(products).where(*_chosen(is_active, by_currency, number, on_postgresql)),
        products.c[PRODUCT_ORDERS[sort.field]],
        products.c.id,
        descending=sort.descending,
        continues=continues,
    )


@lru_cache
def _count(is_active: bool | None, by_currency: bool, number: int, on_postgresql: bool) -> Select[Any]:
    counted = select(func.count()).select_from(products)
    return counted.where(*_chosen(is_active, by_currency, number, on_postgresql))


def _product(row: Row[Any]) -> Product:
    return Product(
        id=row.id,
        sku=row.sku,
        name=row.name,
        description=row.description,
        price=row.price,
        currency=row.currency,
        stock=row.stock,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _columns(product: Product) -> dict[str, object]:
    return {
        "id": product.id,
        "sku": product.sku,
        "sku_key": product.sku_key,
        "name": product.name,
        "name_order": product.name_order,
        "search_text": product.search_text,
        "description": product.description,
        "price": product.price,
        "currency": product.currency,
        "stock": product.stock,
        "is_active": product.is_active,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "version": product.version,
    }

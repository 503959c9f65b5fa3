"""Products within a unit of work, and as readers see them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.paging import page
from application.identity.views import Versioned
from application.paging import Position, Row, Sort, SortValue
from application.products.ports import ProductQueries
from application.products.views import ProductFilters, ProductView, shown_product
from domain.errors import Conflict
from domain.products.product import Product, ProductRepository, is_sku, key_of
from domain.text import words


class MemoryProducts(ProductRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def add(self, product: Product) -> None:
        if self._find(product.sku) is not None:
            raise self._changes.spoil(Conflict("sku-taken", "There is a product of this sku already."))
        self._changes.products.add(product.id, product)

    async def get(self, sku: str) -> Product | None:
        return self._find(sku)

    async def all_of(self, skus: Collection[str], *, locked: bool) -> Sequence[Product]:
        keys = {key_of(sku) for sku in skus if is_sku(sku)}
        return [product for product in self._changes.products.values() if product.sku_key in keys]

    async def save(self, product: Product) -> Product:
        stored = self._changes.products.get(product.id)
        if stored is None or stored.version != product.version:
            raise self._changes.spoil(
                Conflict("changed-meanwhile", "The product was changed meanwhile; read it again.")
            )
        saved = replace(product, version=product.version + 1)
        self._changes.products.put(product.id, saved)
        return saved

    async def take(self, quantities: Mapping[UUID, int], *, of: Sequence[Product]) -> bool:
        seen = {product.id: product.version for product in of}
        for product_id, quantity in quantities.items():
            product = self._changes.products.get(product_id)
            if product is None or product.version != seen[product_id]:
                return False
            if product.stock is None or product.stock < quantity:
                return False
            self._changes.products.put(product_id, replace(product, stock=product.stock - quantity))
        return True

    async def give_back(self, quantities: Mapping[UUID, int]) -> None:
        for product_id, quantity in quantities.items():
            product = self._changes.products.get(product_id)
            if product is not None and product.stock is not None:
                self._changes.products.put(product_id, replace(product, stock=product.stock + quantity))

    async def remove(self, product_id: UUID) -> None:
        self._changes.products.remove(product_id)

    def _find(self, sku: str) -> Product | None:
        return _find(self._changes.products.values(), sku)


class MemoryProductQueries(ProductQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def product(self, sku: str) -> Versioned[ProductView] | None:
        found = _find(self._database.products.values(), sku)
        return shown_product(found) if found else None

    async def products(
        self, filters: ProductFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[ProductView]]:
        rows = [Row(Position(_value(p, sort), p.id), ProductView.of(p)) for p in self._found(filters)]
        return page(rows, after=after, offset=offset, limit=limit, descending=sort.descending)

    async def count_products(self, filters: ProductFilters) -> int:
        return len(self._found(filters))

    def _found(self, filters: ProductFilters) -> list[Product]:
        wanted = None if filters.q is None else words(filters.q)
        if wanted == []:
            return []
        return [
            product
            for product in self._database.products.values()
            if filters.is_active in (None, product.is_active)
            and filters.currency in (None, product.currency)
            and all(f" {word}" in product.search_text for word in wanted or ())
        ]


def _find(products: Iterable[Product], sku: str) -> Product | None:
    return next((product for product in products if product.sku_key == key_of(sku)), None) if is_sku(sku) else None


def _value(product: Product, sort: Sort) -> SortValue:
    match sort.field:
        case "sku":
            return product.sku_key
        case "name":
            return product.name_order
        case _:
            return product.created_at

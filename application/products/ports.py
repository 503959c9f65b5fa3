"""The read side of products."""

from typing import Protocol

from application.identity.views import Versioned
from application.paging import Position, Row, Sort
from application.products.views import ProductFilters, ProductView


class ProductQueries(Protocol):
    """Views, never aggregates; outside of any unit of work."""

    async def product(self, sku: str) -> Versioned[ProductView] | None:
        """However the case of the sku is written."""
        ...

    async def products(
        self, filters: ProductFilters, sort: Sort, *, after: Position | None, offset: int, limit: int
    ) -> list[Row[ProductView]]:
        """Ties by id, in the direction of the sort."""
        ...

    async def count_products(self, filters: ProductFilters) -> int: ...

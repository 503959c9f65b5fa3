"""What readers get to see of products."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.identity.views import LONGEST_SEARCH, Versioned
from domain.errors import Invalid
from domain.products.product import Product

PRODUCT_SORTS = ("created_at", "sku", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView:
    """`price` is in minor units of `currency`; `stock` null: not counted."""

    id: UUID
    sku: str
    name: str
    description: str | None
    price: int
    currency: str
    stock: int | None
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product) -> "ProductView":
        return cls(
            id=product.id,
            sku=product.sku,
            name=product.name,
            description=product.description,
            price=product.price,
            currency=product.currency,
            stock=product.stock,
            is_active=product.is_active,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


def shown_product(product: Product) -> Versioned[ProductView]:
    return Versioned(ProductView.of(product), product.version)


@dataclass(frozen=True, slots=True)
class ProductFilters:
    """None leaves a filter out; `q` finds products by the beginnings of words in sku and name.

    Raises:
        Invalid: `q` is longer than 200 characters.
    """

    is_active: bool | None = None
    currency: str | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        if self.q is not None and len(self.q) > LONGEST_SEARCH:
            raise Invalid.field("search-too-long", "/q", f"Search for {LONGEST_SEARCH} characters at most.")

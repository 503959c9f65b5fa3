"""Products: what they are called, what they cost, and how many are left."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.errors import Invalid
from domain.money import currency, whole
from domain.text import fold, line, paragraphs, search_text

SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 5_000
HIGHEST_PRICE = 10**12
LARGEST_STOCK = 10**12
_ORDERED_BY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`sku` names it for good, and differs from others by more than case. `price` is in minor units of `currency`.
    `stock` is what is left; None: not counted. `version` counts what administrators change, and not what orders take:
    `stock` moves without it.

    Raises:
        Invalid: a field breaks a rule.
    """

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
    version: int = 1

    def __post_init__(self) -> None:
        if not is_sku(self.sku):
            raise Invalid.field(
                "bad-sku",
                "/sku",
                "A sku has 1 to 64 of A-Z, a-z, 0-9, ., _ and -, and begins with a letter or a digit.",
            )
        line(self.name, pointer="/name", longest=LONGEST_NAME)
        paragraphs(self.description, pointer="/description", longest=LONGEST_DESCRIPTION, may_be_empty=True)
        whole(self.price, pointer="/price", least=0, most=HIGHEST_PRICE)
        currency(self.currency)

    @property
    def sku_key(self) -> str:
        return key_of(self.sku)

    @property
    def name_order(self) -> str:
        """What the list compares by name: as typed but for case and width, and no more than its beginning."""
        return fold(self.name)[:_ORDERED_BY]

    @property
    def search_text(self) -> str:
        return search_text((self.sku, self.name))

    def changed(self, now: datetime, **fields: Any) -> "Product":
        """The product with these fields, itself where nothing is different."""
        after = replace(self, **fields)
        return self if after == self else replace(after, updated_at=now)

    def has(self, quantity: int) -> bool:
        """Whether so many are left."""
        return self.stock is None or self.stock >= quantity


def is_sku(text: str) -> bool:
    return SKU.fullmatch(text) is not None


def key_of(sku: str) -> str:
    """What is equal for skus that differ by case alone."""
    return sku.lower()


def counted(stock: int | None) -> int | None:
    """A stock as an administrator sets it. Raises Invalid (`out-of-range`)."""
    return None if stock is None else whole(stock, pointer="/stock", least=0, most=LARGEST_STOCK)


class ProductRepository(Protocol):
    """Products within a unit of work."""

    async def add(self, product: Product) -> None:
        """Raises Conflict (`sku-taken`)."""
        ...

    async def get(self, sku: str) -> Product | None:
        """Locked to the end of the unit of work."""
        ...

    async def all_of(self, skus: Collection[str], *, locked: bool) -> Sequence[Product]:
        """Those that there are; locked always in the same order, so that nobody waits in a circle."""
        ...

    async def save(self, product: Product) -> Product:
        """At its next version.

        Raises:
            Conflict: `changed-meanwhile`; it was saved or removed since it was read.
        """
        ...

    async def take(self, quantities: Mapping[UUID, int], *, of: Sequence[Product]) -> bool:
        """Take so many from the stock, by the ids of products that were read. Whether that worked: each has still the
        version that was read, and as many. Where it did not, the unit of work is to be given up. In the order in which
        `all_of` locks."""
        ...

    async def give_back(self, quantities: Mapping[UUID, int]) -> None:
        """Add to what is left, by the ids of products; those that are gone or not counted are left as they are. In the
        order in which `all_of` locks."""
        ...

    async def remove(self, product_id: UUID) -> None: ...

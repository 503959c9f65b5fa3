"""What administrators do to the catalogue."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class ProductCreated(Event):
    """A product was added to the catalogue."""

    name: ClassVar[str] = "product.created"
    subject: ClassVar[str | None] = "product_id"
    product_id: UUID
    sku: str


@dataclass(frozen=True, slots=True)
class ProductUpdated(Event):
    """A product was changed; not its stock by an order."""

    name: ClassVar[str] = "product.updated"
    subject: ClassVar[str | None] = "product_id"
    product_id: UUID
    sku: str


@dataclass(frozen=True, slots=True)
class ProductDeleted(Event):
    """A product was taken out of the catalogue."""

    name: ClassVar[str] = "product.deleted"
    subject: ClassVar[str | None] = "product_id"
    product_id: UUID
    sku: str

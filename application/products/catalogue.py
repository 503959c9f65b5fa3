"""The catalogue: everybody reads what is for sale, administrators keep it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.accounts import only_these
from application.identity.views import Versioned
from application.outbox import Outbox
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.products.ports import ProductQueries
from application.products.views import ProductFilters, ProductView, shown_product
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, Rule, holder, judge, require
from domain.audit.entry import changed_fields
from domain.errors import NotFound
from domain.products.events import ProductCreated, ProductDeleted, ProductUpdated
from domain.products.product import Product, counted

READ = Permission("products:read", "See products that are not for sale, too.")
CREATE = Permission("products:create", "Add products to the catalogue.")
UPDATE = Permission("products:update", "Change products, their prices and their stock.")
DELETE = Permission("products:delete", "Take products out of the catalogue.")

CHANGEABLE = frozenset({"name", "description", "price", "currency", "stock", "is_active"})
NEWEST_FIRST = Sort("created_at", descending=True)


@dataclass(frozen=True)
class ListProducts:
    """What is for sale; with `products:read` everything."""

    rule: ClassVar[Rule] = ANYBODY | holder(READ)

    queries: ProductQueries

    async def __call__(
        self,
        actor: Actor,
        *,
        filters: ProductFilters = ProductFilters(),
        sort: Sort = NEWEST_FIRST,
        page: PageRequest = PageRequest(),
    ) -> Page[ProductView]:
        """Whoever asks for what they may not see finds nothing."""
        if not _sees_everything(actor):
            if filters.is_active is False:
                return await read_page(page, sort, _nothing, _none)
            filters = replace(filters, is_active=True)
        return await read_page(
            page,
            sort,
            partial(self.queries.products, filters, sort),
            partial(self.queries.count_products, filters),
        )


@dataclass(frozen=True)
class ShowProduct:
    """One that is for sale; with `products:read` any."""

    rule: ClassVar[Rule] = ANYBODY | holder(READ)

    queries: ProductQueries

    async def __call__(self, actor: Actor, *, sku: str) -> Versioned[ProductView]:
        """Raises NotFound (`product-not-found`)."""
        found = await self.queries.product(sku)
        if found is None or not (found.value.is_active or _sees_everything(actor)):
            raise _no_such_product()
        return found


@dataclass(frozen=True)
class CreateProduct:
    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        sku: str,
        name: str,
        price: int,
        currency: str,
        description: str | None = None,
        stock: int | None = None,
        is_active: bool = True,
        once: Once[Versioned[ProductView]] | None = None,
    ) -> Versioned[ProductView]:
        """Raises Invalid for the fields (`bad-sku`, `out-of-range`, `unknown-currency`), Conflict (`sku-taken`: skus
        differ by more than case)."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        now = self.clock.now()
        product = Product(
            id=self.ids.new(),
            sku=sku,
            name=name,
            description=description,
            price=price,
            currency=currency,
            stock=counted(stock),
            is_active=is_active,
            created_at=now,
            updated_at=now,
        )
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, shown_product(product))
            await uow.products.add(product)
            await self.trail.record(uow, actor, "product.created", subject=product.sku, item=product.id)
            await self.outbox.emit(uow, actor, ProductCreated(product.id, product.sku))
        return shown_product(product)


@dataclass(frozen=True)
class UpdateProduct:
    """Change the fields that are given, and no others. `stock` is what is left from now on, whatever was ordered
    before; orders that are placed keep their prices and what they hold."""

    rule: ClassVar[Rule] = holder(UPDATE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(
        self, actor: Actor, *, sku: str, expected: Expected = None, **changes: Any
    ) -> Versioned[ProductView]:
        """Raises NotFound (`product-not-found`), Invalid for the fields (`out-of-range`, `unknown-currency`),
        Stale."""
        require(actor, self.rule)
        only_these(changes, CHANGEABLE)
        if "stock" in changes:
            counted(changes["stock"])
        async with self.transactions.begin() as uow:
            product = await _loaded(uow, sku, expected)
            changed = product.changed(self.clock.now(), **changes)
            if changed is product:
                return shown_product(product)
            await self.trail.record(
                uow,
                actor,
                "product.updated",
                subject=product.sku,
                item=product.id,
                fields=changed_fields(product, changed),
            )
            await self.outbox.emit(uow, actor, ProductUpdated(product.id, product.sku))
            return shown_product(await uow.products.save(changed))


@dataclass(frozen=True)
class DeleteProduct:
    """Orders keep what they say of it; what they hold of its stock is given back to nobody."""

    rule: ClassVar[Rule] = holder(DELETE)

    transactions: Transactions
    trail: Trail
    outbox: Outbox

    async def __call__(self, actor: Actor, *, sku: str, expected: Expected = None) -> None:
        """Raises NotFound (`product-not-found`), Stale."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            product = await _loaded(uow, sku, expected)
            await uow.products.remove(product.id)
            await self.trail.record(uow, actor, "product.deleted", subject=product.sku, item=product.id)
            await self.outbox.emit(uow, actor, ProductDeleted(product.id, product.sku))


def _sees_everything(actor: Actor) -> bool:
    return judge(actor, holder(READ)) is None


async def _nothing(**_: object) -> list[Any]:
    return []


async def _none() -> int:
    return 0


async def _loaded(uow: UnitOfWork, sku: str, expected: Expected) -> Product:
    product = await uow.products.get(sku)
    if product is None:
        raise _no_such_product()
    require_version(product.version, expected)
    return product


def _no_such_product() -> NotFound:
    return NotFound("product-not-found", "There is no such product.")

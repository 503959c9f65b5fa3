"""The catalogue: open to everybody, kept by who holds the permissions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from application.paging import Page, PageRequest, Sort
from application.products.views import PRODUCT_SORTS, ProductFilters, ProductView
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, Body, Expected, listing, no_content, page_request, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import Anybody, SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/products", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Products"]
)

Sku = Annotated[str, Path(max_length=64, examples=["mug-blue"], description="However its case is written.")]
Name = Annotated[str, Field(examples=["Blue mug"], description="200 characters at most.")]
Description = Annotated[str | None, Field(examples=["Holds 0.3 l."], description="5,000 characters at most.")]
Price = Annotated[int, Field(examples=[1250], description="In minor units (cents), up to 10^12.")]
Currency = Annotated[str, Field(examples=["EUR"], description="ISO 4217.")]
Stock = Annotated[int | None, Field(examples=[40], description="How many are left; `null`: not counted.")]


class NewProduct(Body):
    sku: str = Field(
        examples=["mug-blue"],
        description="1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`; differs by more than case, and stays.",
    )
    name: Name
    description: Description = None
    price: Price
    currency: Currency
    stock: Stock = None
    is_active: bool = Field(default=True, description="Whether it is for sale.")


class ProductChanges(Body):
    name: Name = ""
    description: Description = None
    price: Price = 0
    currency: Currency = ""
    stock: Stock = None
    is_active: bool = True


@router.get("", response_model=Page[ProductView], responses=problems(use_case="list_products"), summary="List products")
async def list_products(
    request: Request,
    application: TheApplication,
    actor: Anybody,
    page: Annotated[PageRequest, Depends(page_request)],
    is_active: Annotated[bool | None, Query(description="`false` needs `products:read`.")] = None,
    currency: Annotated[str | None, Query(max_length=3, examples=["EUR"], description="ISO 4217.")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Beginnings of words in sku and name.")] = None,
    sort: Annotated[str, Query(description=f"One of {', '.join(PRODUCT_SORTS)}; a - turns it round.")] = "-created_at",
) -> Response:
    """What is for sale; with `products:read` everything."""
    found = await application.products.list_products(
        actor,
        filters=ProductFilters(is_active=is_active, currency=currency, q=q if q and q.strip() else None),
        sort=Sort.parse(sort, PRODUCT_SORTS),
        page=page,
    )
    return listing(request, found, Page[ProductView])


@router.post(
    "",
    status_code=201,
    response_model=ProductView,
    responses=problems(use_case="create_product"),
    summary="Add a product",
)
async def create_product(
    application: TheApplication, actor: SignedIn, body: NewProduct, repeatable: TheRequest
) -> Response:
    return await repeatable.answer(
        lambda once: application.products.create_product(actor, once=once, **body.model_dump()),
        lambda product: resource(product, status=201, location=f"{API}/products/{product.value.sku}"),
    )


@router.get("/{sku}", response_model=ProductView, responses=problems(use_case="show_product"), summary="Show a product")
async def show_product(application: TheApplication, actor: Anybody, sku: Sku) -> Response:
    """Its `ETag` tells what administrators changed, and not what orders took from the stock."""
    return resource(await application.products.show_product(actor, sku=sku))


@router.patch(
    "/{sku}",
    response_model=ProductView,
    responses=problems(use_case="update_product"),
    summary="Change a product",
)
async def update_product(
    application: TheApplication, actor: SignedIn, sku: Sku, body: ProductChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change. `stock` is what is left from now on. Orders that are placed keep their
    prices."""
    return resource(await application.products.update_product(actor, sku=sku, expected=expected, **body.sent()))


@router.delete(
    "/{sku}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_product"),
    summary="Delete a product",
)
async def delete_product(application: TheApplication, actor: SignedIn, sku: Sku, expected: Expected) -> Response:
    """Orders keep what they say of it. To stop selling it for a while, set `is_active` to `false`."""
    await application.products.delete_product(actor, sku=sku, expected=expected)
    return no_content()

"""`moothall products`: the catalogue."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.access.actor import Actor
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.products.views import ProductView

COLUMNS = ("sku", "name", "price", "currency", "stock", "is_active")

app = noun("The catalogue. Prices are in minor units (cents) of their currency.")

Sku = Annotated[str, typer.Argument(metavar="SKU")]


@app.command("list")
def list_(
    context: typer.Context,
    q: Annotated[str | None, typer.Option(metavar="WORDS", help="Beginnings of words in sku and name.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Only those; else all.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only in this currency.")] = None,
    sort: Annotated[
        str, typer.Option(metavar="FIELD", help="created_at, sku or name; a - turns it round.")
    ] = "-created_at",
    limit: Limit = None,
) -> None:
    """List products, newest first unless sorted."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.paging import Sort
        from application.products.views import PRODUCT_SORTS, ProductFilters

        filters = ProductFilters(is_active=active, currency=currency, q=q)
        order = Sort.parse(sort, PRODUCT_SORTS)
        list_products = application.products.list_products
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: list_products(actor, filters=filters, sort=order, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, sku: Sku) -> None:
    """Show one product."""

    async def work(application: "Application", actor: Actor) -> "ProductView":
        return (await application.products.show_product(actor, sku=sku)).value

    Output.of(context).show(on_application(work))


@app.command()
def create(
    context: typer.Context,
    sku: Sku,
    name: Annotated[str, typer.Option(metavar="TEXT")],
    price: Annotated[int, typer.Option(metavar="N", help="In minor units.")],
    currency: Annotated[str, typer.Option(metavar="CODE", help="ISO 4217.")],
    description: Annotated[str | None, typer.Option(metavar="TEXT")] = None,
    stock: Annotated[int | None, typer.Option(metavar="N", help="How many there are; else not counted.")] = None,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Whether it is for sale.")] = True,
) -> None:
    """Add a product."""

    async def work(application: "Application", actor: Actor) -> "ProductView":
        created = await application.products.create_product(
            actor,
            sku=sku,
            name=name,
            price=price,
            currency=currency,
            description=description,
            stock=stock,
            is_active=active,
        )
        return created.value

    Output.of(context).show(on_application(work))


@app.command()
def update(
    context: typer.Context,
    sku: Sku,
    name: Annotated[str | None, typer.Option(metavar="TEXT")] = None,
    price: Annotated[int | None, typer.Option(metavar="N", help="In minor units.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="ISO 4217.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help='"" takes it away.')] = None,
    stock: Annotated[int | None, typer.Option(metavar="N", help="How many are left from now on.")] = None,
    no_stock: Annotated[bool, typer.Option("--no-stock", help="Count them no longer.")] = False,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it is for sale.")] = None,
) -> None:
    """Change what is given, and nothing else."""
    given: dict[str, Any] = {"name": name, "price": price, "currency": currency, "stock": stock, "is_active": active}
    changes = {field: value for field, value in given.items() if value is not None}
    if description is not None:
        changes["description"] = description or None
    if no_stock:
        if stock is not None:
            raise wrong_usage("Say --stock or --no-stock.")
        changes["stock"] = None
    if not changes:
        raise wrong_usage("Say what to change; see --help.")

    async def work(application: "Application", actor: Actor) -> "ProductView":
        return (await application.products.update_product(actor, sku=sku, **changes)).value

    Output.of(context).show(on_application(work))


@app.command()
def delete(context: typer.Context, sku: Sku) -> None:
    """Delete a product. Orders keep what they say of it. Asks first."""
    output = Output.of(context)
    output.confirm(f"Delete the product {sku}?")

    async def work(application: "Application", actor: Actor) -> None:
        await application.products.delete_product(actor, sku=sku)

    on_application(work)
    output.say(f"Deleted the product {sku}.")

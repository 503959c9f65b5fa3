"""`moothall orders`: what members buy."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.access.actor import Actor
from domain.orders.order import OrderStatus
from entrypoints.cli.errors import wrong_usage
from entrypoints.cli.nouns import Limit, noun
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, pages

if TYPE_CHECKING:
    from application.app import Application
    from application.orders.views import OrderView

COLUMNS = ("id", "number", "user_id", "status", "total", "currency", "placed_at")

app = noun("What members buy. A USER is an id, an e-mail address or a username.")

OrderId = Annotated[UUID, typer.Argument(metavar="ORDER_ID")]


@app.command("list")
def list_(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option("--as", metavar="USER", help="This member's; else everybody's.")] = None,
    status: Annotated[OrderStatus | None, typer.Option(help="Only those.")] = None,
    limit: Limit = None,
) -> None:
    """List orders, newest first."""

    async def work(application: "Application", actor: Actor) -> None:
        from application.orders.views import OrderFilters

        user_id = await application.identity.find_user(actor, name=owner) if owner is not None else None
        filters = OrderFilters(user_id, status)
        list_orders = application.orders.list_orders
        with Output.of(context).listing(COLUMNS) as add:
            async for page in pages(lambda page: list_orders(actor, filters=filters, page=page), limit):
                add(page)

    on_application(work)


@app.command()
def show(context: typer.Context, order_id: OrderId) -> None:
    """Show one order."""

    async def work(application: "Application", actor: Actor) -> "OrderView":
        return (await application.orders.show_order(actor, order_id=order_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def place(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--as", metavar="USER", help="Whose it is.")],
    lines: Annotated[list[str], typer.Argument(metavar="SKU=QTY...")],
) -> None:
    """Place an order for a member, who gets the confirmation."""
    wanted = [_line(text) for text in lines]

    async def work(application: "Application", actor: Actor) -> "OrderView":
        from domain.orders.order import Wanted

        user_id = await application.identity.find_user(actor, name=owner)
        asked = [Wanted(sku, quantity) for sku, quantity in wanted]
        return (await application.orders.place_order(actor, user_id=user_id, lines=asked)).value

    Output.of(context).show(on_application(work))


@app.command()
def pay(context: typer.Context, order_id: OrderId) -> None:
    """Say that an order has been paid by hand."""

    async def work(application: "Application", actor: Actor) -> "OrderView":
        return (await application.orders.pay_order(actor, order_id=order_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def fulfil(context: typer.Context, order_id: OrderId) -> None:
    """Say that what was ordered and paid has been delivered."""

    async def work(application: "Application", actor: Actor) -> "OrderView":
        return (await application.orders.fulfil_order(actor, order_id=order_id)).value

    Output.of(context).show(on_application(work))


@app.command()
def cancel(context: typer.Context, order_id: OrderId) -> None:
    """Cancel an order that is not paid, and give its stock back. Asks first."""
    output = Output.of(context)
    output.confirm(f"Cancel the order {order_id}?")

    async def work(application: "Application", actor: Actor) -> "OrderView":
        return (await application.orders.cancel_order(actor, order_id=order_id)).value

    output.show(on_application(work))


@app.command()
def refund(context: typer.Context, order_id: OrderId) -> None:
    """Refund an order that is paid, and give its stock back. Asks first."""
    output = Output.of(context)
    output.confirm(f"Refund the order {order_id}?")

    async def work(application: "Application", actor: Actor) -> "OrderView":
        return (await application.orders.refund_order(actor, order_id=order_id)).value

    output.show(on_application(work))


def _line(text: str) -> tuple[str, int]:
    """Raises CommandError (usage)."""
    sku, _, quantity = text.partition("=")
    if not sku or not quantity.isascii() or not quantity.isdecimal() or len(quantity) > 10:
        raise wrong_usage(f"Say a line as SKU=QTY, such as mug-blue=2; this is {text}.")
    return sku, int(quantity)

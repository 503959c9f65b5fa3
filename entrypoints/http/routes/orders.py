"""Orders, and what payment gateways call back to say."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from application.identity.views import Versioned
from application.orders.ports import MANUAL
from application.orders.views import OrderFilters, OrderView
from application.paging import Page, PageRequest
from domain.orders.order import LARGEST_QUANTITY, MOST_LINES, OrderStatus, Wanted
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, Body, Expected, listing, no_content, page_request, resource
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, Stranger, TheApplication

router = APIRouter(prefix=API, route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Orders"])


class LineRequest(Body):
    sku: str = Field(examples=["mug-blue"], max_length=64)
    quantity: int = Field(examples=[2], ge=1, le=LARGEST_QUANTITY)


class OrderRequest(Body):
    lines: list[LineRequest] = Field(
        min_length=1, max_length=MOST_LINES, description="A product is on one line. Prices are the catalogue's."
    )

    def wanted(self) -> list[Wanted]:
        return [Wanted(line.sku, line.quantity) for line in self.lines]


class PayRequest(Body):
    gateway: str = Field(default=MANUAL, examples=[MANUAL], max_length=50, description="How it is paid.")
    outcome: str | None = Field(
        default=None,
        max_length=50,
        examples=[None],
        description="What the gateway `sandbox` does: `succeed` (else), `fail`, answer `late`, or `twice`.",
    )


NOTICE = {
    "title": "PaymentNotice",
    "description": "In the gateway's own words.",
    "type": "object",
    "additionalProperties": True,
    "examples": [
        {
            "payment_id": "01932c07-a9f0-7cc4-9d2a-6b1f0e5c8a31",
            "status": "succeeded",
            "reference": "ch_3Pqk2",
            "amount": 2500,
            "currency": "EUR",
        }
    ],
}
NO_INSTRUCTIONS = PayRequest()


def _settled(order: Versioned[OrderView]) -> Response:
    """202 for one whose gateway will call back."""
    return resource(order, status=202 if order.value.status is OrderStatus.PLACED else 200)


@router.get("/orders", response_model=Page[OrderView], responses=problems(use_case="list_orders"), summary="My orders")
async def list_orders(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
    user_id: Annotated[UUID | None, Query(description="Another member's, with `orders:read`.")] = None,
    status: Annotated[OrderStatus | None, Query(description="Only these.")] = None,
) -> Response:
    """Newest first. With `orders:read` everybody's."""
    found = await application.orders.list_orders(actor, filters=OrderFilters(user_id, status), page=page)
    return listing(request, found, Page[OrderView])


@router.post(
    "/orders",
    status_code=201,
    response_model=OrderView,
    responses=problems(use_case="place_order"),
    summary="Place an order",
)
async def place_order(
    application: TheApplication, actor: SignedIn, body: OrderRequest, repeatable: TheRequest
) -> Response:
    """All of it or nothing, at the prices of this moment. What it takes from the stock is given back when it is
    cancelled or refunded."""
    return await repeatable.answer(
        lambda once: application.orders.place_order(actor, lines=body.wanted(), once=once),
        lambda order: resource(order, status=201, location=f"{API}/orders/{order.value.id}"),
    )


@router.get(
    "/orders/{order_id}",
    response_model=OrderView,
    responses=problems(use_case="show_order"),
    summary="Show an order",
)
async def show_order(application: TheApplication, actor: SignedIn, order_id: UUID) -> Response:
    return resource(await application.orders.show_order(actor, order_id=order_id))


@router.post(
    "/orders/{order_id}/pay",
    response_model=OrderView,
    responses={**problems(use_case="pay_order"), 202: {"model": OrderView, "description": "Not yet."}},
    summary="Pay an order",
)
async def pay_order(
    application: TheApplication,
    actor: SignedIn,
    order_id: UUID,
    repeatable: TheRequest,
    expected: Expected,
    body: PayRequest = NO_INSTRUCTIONS,
) -> Response:
    """With the gateway `manual`, who holds `orders:mark-paid` says that the money came; a member's own request waits
    for that (202). Other gateways are asked at once; one that answers later is waited for (202)."""
    return await repeatable.answer(
        lambda once: application.orders.pay_order(
            actor,
            order_id=order_id,
            gateway=body.gateway,
            instruction=body.outcome,
            expected=expected,
            once=once,
        ),
        _settled,
    )


@router.post(
    "/orders/{order_id}/fulfil",
    response_model=OrderView,
    responses=problems(use_case="fulfil_order"),
    summary="Fulfil an order",
)
async def fulfil_order(
    application: TheApplication, actor: SignedIn, order_id: UUID, repeatable: TheRequest, expected: Expected
) -> Response:
    """One that is paid."""
    return await repeatable.answer(
        lambda once: application.orders.fulfil_order(actor, order_id=order_id, expected=expected, once=once), resource
    )


@router.post(
    "/orders/{order_id}/cancel",
    response_model=OrderView,
    responses=problems(use_case="cancel_order"),
    summary="Cancel an order",
)
async def cancel_order(
    application: TheApplication, actor: SignedIn, order_id: UUID, repeatable: TheRequest, expected: Expected
) -> Response:
    """One that is not paid yet; its stock is given back."""
    return await repeatable.answer(
        lambda once: application.orders.cancel_order(actor, order_id=order_id, expected=expected, once=once), resource
    )


@router.post(
    "/orders/{order_id}/refund",
    response_model=OrderView,
    responses=problems(use_case="refund_order"),
    summary="Refund an order",
)
async def refund_order(
    application: TheApplication, actor: SignedIn, order_id: UUID, repeatable: TheRequest, expected: Expected
) -> Response:
    """One that is paid or fulfilled; its stock is given back, and the money by the gateway that took it."""
    return await repeatable.answer(
        lambda once: application.orders.refund_order(actor, order_id=order_id, expected=expected, once=once), resource
    )


@router.post(
    "/payments/{gateway}/callback",
    status_code=204,
    response_model=None,
    responses=problems(use_case="take_payment_notice"),
    summary="For gateways: what became of a payment",
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": NOTICE}}},
    },
)
async def take_payment_notice(
    request: Request,
    application: TheApplication,
    actor: Stranger,
    gateway: Annotated[str, Path(max_length=50, examples=["sandbox"], description="The gateway that calls.")],
    moothall_signature: Annotated[
        str | None, Header(max_length=200, description="`sha256=` and the HMAC of the body, in hexadecimal digits.")
    ] = None,
) -> Response:
    """However often the same is said, it is done once."""
    await application.orders.take_payment_notice(
        actor, gateway=gateway, body=await request.body(), signature=moothall_signature
    )
    return no_content()

"""What should have followed from events, and failed too often."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from application.jobs.views import FailedDelivery
from application.paging import Page, PageRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, listing, no_content, page_request
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/outbox", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Outbox"]
)


@router.get(
    "/failed",
    response_model=Page[FailedDelivery],
    responses=problems(use_case="list_failed_deliveries"),
    summary="What was set aside",
)
async def list_failed_deliveries(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    """Failed last first: each event that a reaction (such as a mail) could not deal with, and why."""
    found = await application.jobs.list_failed_deliveries(actor, page=page)
    return listing(request, found, Page[FailedDelivery])


@router.post(
    "/failed/{delivery_id}/retry",
    status_code=204,
    response_model=None,
    responses=problems(use_case="retry_delivery"),
    summary="Retry what was set aside",
)
async def retry_delivery(application: TheApplication, actor: SignedIn, delivery_id: UUID) -> Response:
    """It is tried again soon, as often as if it had never failed."""
    await application.jobs.retry_delivery(actor, delivery_id=delivery_id)
    return no_content()


@router.delete(
    "/failed/{delivery_id}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="discard_delivery"),
    summary="Discard what was set aside",
)
async def discard_delivery(application: TheApplication, actor: SignedIn, delivery_id: UUID) -> Response:
    """Nothing follows from it any more: there is no such mailbox, say."""
    await application.jobs.discard_delivery(actor, delivery_id=delivery_id)
    return no_content()

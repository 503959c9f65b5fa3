"""Webhooks: other services that are told what happens here, and what was sent to them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from application.idempotency import Once
from application.identity.views import Versioned
from application.jobs.views import JobView
from application.paging import Page, PageRequest
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView, NewWebhook, WebhookView
from domain.webhooks.delivery import DeliveryStatus
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import (
    API,
    NO_STORE,
    Body,
    Expected,
    Moment,
    answer,
    listing,
    no_content,
    page_request,
    resource,
)
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/webhooks", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Webhooks"]
)

Url = Annotated[
    str, Field(examples=["https://example.com/hooks/moothall"], description="http or https; never a machine within.")
]
Events = Annotated[
    list[str],
    Field(
        examples=[["order.*", "user.created"]],
        max_length=1000,
        description="As `webhooks` in this document lists them; `thing.*` and `*` stand for several.",
    ),
]
Description = Annotated[str | None, Field(examples=["The warehouse."], description="200 characters at most.")]
PAGE = Annotated[PageRequest, Depends(page_request)]


class WebhookRequest(Body):
    url: Url
    events: Events
    description: Description = None


class WebhookChanges(Body):
    url: Url = ""
    events: Events = Field(default=[])
    description: Description = None
    is_active: bool = Field(default=True, description="What waits for one that is switched off is given up.")


class Span(Body):
    since: Moment = Field(examples=["2026-11-21T09:00:00Z"], description="Of events from then on.")
    until: Moment = Field(examples=["2026-11-21T18:00:00Z"], description="Of events before.")
    status: DeliveryStatus | None = Field(
        default=None, strict=False, description="`failed` or `delivered`; `null`: whatever became of them."
    )


@router.get("", response_model=Page[WebhookView], responses=problems(use_case="list_webhooks"), summary="List webhooks")
async def list_webhooks(request: Request, application: TheApplication, actor: SignedIn, page: PAGE) -> Response:
    """Newest first. Their secrets are never told again."""
    return listing(request, await application.webhooks.list_webhooks(actor, page=page), Page[WebhookView])


@router.post(
    "",
    status_code=201,
    response_model=NewWebhook,
    responses=problems(use_case="create_webhook"),
    summary="Have another service told",
)
async def create_webhook(
    application: TheApplication, actor: SignedIn, body: WebhookRequest, repeatable: TheRequest
) -> Response:
    """`secret` is told this once: the receiver verifies signatures with it (https://www.standardwebhooks.com). A
    repetition (`Idempotency-Key`) is answered without it."""

    async def create(once: Once[Versioned[WebhookView]] | None) -> Versioned[WebhookView]:
        return await application.webhooks.create_webhook(actor, once=once, **body.model_dump())

    return await repeatable.answer(
        create, lambda made: _told(made, status=201, location=f"{API}/webhooks/{made.value.id}")
    )


@router.get(
    "/{webhook_id}",
    response_model=WebhookView,
    responses=problems(use_case="show_webhook"),
    summary="Show a webhook",
)
async def show_webhook(application: TheApplication, actor: SignedIn, webhook_id: UUID) -> Response:
    return resource(await application.webhooks.show_webhook(actor, webhook_id=webhook_id))


@router.patch(
    "/{webhook_id}",
    response_model=WebhookView,
    responses=problems(use_case="update_webhook"),
    summary="Change a webhook, or switch it on or off",
)
async def update_webhook(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, body: WebhookChanges, expected: Expected
) -> Response:
    """Only the fields that are sent change. What happens while it is off is not sent later."""
    changed = await application.webhooks.update_webhook(actor, webhook_id=webhook_id, expected=expected, **body.sent())
    return resource(changed)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="delete_webhook"),
    summary="Delete a webhook",
)
async def delete_webhook(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, expected: Expected
) -> Response:
    """Nothing is sent to it any more, whatever waits."""
    await application.webhooks.delete_webhook(actor, webhook_id=webhook_id, expected=expected)
    return no_content()


@router.post(
    "/{webhook_id}/secret",
    response_model=NewWebhook,
    responses=problems(use_case="rotate_webhook_secret"),
    summary="Give a webhook another secret",
)
async def rotate_webhook_secret(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, expected: Expected, repeatable: TheRequest
) -> Response:
    """`secret` is told this once. Until `overlap_until` each message is signed with the one before, too."""

    async def rotate(once: Once[Versioned[WebhookView]] | None) -> Versioned[WebhookView]:
        return await application.webhooks.rotate_webhook_secret(
            actor, webhook_id=webhook_id, expected=expected, once=once
        )

    return await repeatable.answer(rotate, _told)


@router.get(
    "/{webhook_id}/deliveries",
    response_model=Page[DeliveryView],
    responses=problems(use_case="list_webhook_deliveries"),
    summary="What was sent to a webhook",
)
async def list_webhook_deliveries(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    webhook_id: UUID,
    page: PAGE,
    status: Annotated[DeliveryStatus | None, Query(description="Only these.")] = None,
    event: Annotated[
        str | None, Query(max_length=100, examples=["order.paid"], description="Only of this event.")
    ] = None,
) -> Response:
    """Newest first, with what became of each; kept for 30 days after that."""
    found = await application.webhooks.list_webhook_deliveries(
        actor, webhook_id=webhook_id, filters=DeliveryFilters(status, event), page=page
    )
    return listing(request, found, Page[DeliveryView])


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    response_model=DeliveryDetail,
    responses=problems(use_case="show_webhook_delivery"),
    summary="Show a delivery, with what is sent",
)
async def show_webhook_delivery(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, delivery_id: UUID
) -> Response:
    found = await application.webhooks.show_webhook_delivery(actor, webhook_id=webhook_id, delivery_id=delivery_id)
    return answer(found, headers={"Cache-Control": "private, no-cache"})


@router.post(
    "/{webhook_id}/deliveries/replay",
    status_code=202,
    response_model=JobView,
    responses=problems(use_case="replay_webhook_deliveries"),
    summary="Send what belongs to a span once more",
)
async def replay_webhook_deliveries(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, body: Span, repeatable: TheRequest
) -> Response:
    """It is long work: `Location` is the job, which tells how far it is. Each keeps its `webhook-id`, and those of one
    subject their order."""

    async def create(once: Once[JobView] | None) -> JobView:
        return await application.webhooks.replay_webhook_deliveries(
            actor, webhook_id=webhook_id, since=body.since, until=body.until, status=body.status, once=once
        )

    return await repeatable.answer(
        create, lambda job: answer(job, status=202, headers={**NO_STORE, "Location": f"{API}/jobs/{job.id}"})
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    response_model=DeliveryView,
    responses=problems(use_case="replay_webhook_delivery"),
    summary="Send a delivery once more",
)
async def replay_webhook_delivery(
    application: TheApplication, actor: SignedIn, webhook_id: UUID, delivery_id: UUID
) -> Response:
    """With the `webhook-id` that it had, and as often as if it had never failed."""
    found = await application.webhooks.replay_webhook_delivery(actor, webhook_id=webhook_id, delivery_id=delivery_id)
    return answer(found, headers=NO_STORE)


def _told(made: Versioned[WebhookView], *, status: int = 200, location: str | None = None) -> Response:
    """A webhook, perhaps with its secret: no cache may keep it."""
    found = resource(made, status=status, location=location)
    found.headers.update(NO_STORE)
    return found

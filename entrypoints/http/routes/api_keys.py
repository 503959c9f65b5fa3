"""API keys: what a member's programs sign in with."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from application.access.views import ApiKeyView, NewApiKey
from application.idempotency import Once
from application.paging import Page, PageRequest
from entrypoints.http.idempotency import TheRequest
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, NO_STORE, Body, Moment, answer, listing, no_content, page_request
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/api-keys", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["API keys"]
)


class KeyRequest(Body):
    name: str = Field(examples=["nightly report"], description="What it is for; 100 characters at most.")
    permissions: list[str] = Field(
        examples=[["users:read"]],
        max_length=1000,
        description="Of one's own. Without any, the key reads what is its owner's.",
    )
    expires_at: Moment | None = Field(default=None, examples=["2027-06-30T00:00:00Z"], description="`null`: never.")


@router.get(
    "", response_model=Page[ApiKeyView], responses=problems(use_case="list_api_keys"), summary="List my API keys"
)
async def list_api_keys(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    page: Annotated[PageRequest, Depends(page_request)],
    user_id: Annotated[UUID | None, Query(description="Another member's, with `api-keys:read`.")] = None,
) -> Response:
    """Newest first. The keys themselves are never told again."""
    return listing(request, await application.access.list_api_keys(actor, user_id=user_id, page=page), Page[ApiKeyView])


@router.post(
    "",
    status_code=201,
    response_model=NewApiKey,
    responses=problems(use_case="create_api_key"),
    summary="Make an API key",
)
async def create_api_key(
    application: TheApplication, actor: SignedIn, body: KeyRequest, repeatable: TheRequest
) -> Response:
    """`key` is told this once. Send it as `X-API-Key` or as a bearer token. It can never do more than its owner, and is
    gone with them. A repetition (`Idempotency-Key`) is answered without it."""

    async def create(once: Once[ApiKeyView] | None) -> ApiKeyView:
        return await application.access.create_api_key(actor, once=once, **body.model_dump())

    return await repeatable.answer(
        create, lambda key: answer(key, status=201, headers={**NO_STORE, "Location": f"{API}/api-keys/{key.id}"})
    )


@router.get(
    "/{key_id}",
    response_model=ApiKeyView,
    responses=problems(use_case="show_api_key"),
    summary="Show an API key",
)
async def show_api_key(application: TheApplication, actor: SignedIn, key_id: UUID) -> Response:
    """The key itself is never told again."""
    found = await application.access.show_api_key(actor, key_id=key_id)
    return answer(found, headers={"Cache-Control": "private, no-cache"})


@router.delete(
    "/{key_id}",
    status_code=204,
    response_model=None,
    responses=problems(use_case="revoke_api_key"),
    summary="Revoke an API key",
)
async def revoke_api_key(application: TheApplication, actor: SignedIn, key_id: UUID) -> Response:
    """One's own, or with `api-keys:revoke` anybody's."""
    await application.access.revoke_api_key(actor, key_id=key_id)
    return no_content()

"""The audit trail."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from application.audit.views import LONGEST_FILTER, AuditFilters
from application.paging import Page, PageRequest
from domain.audit.entry import Entry
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, Moment, listing, page_request
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/audit", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Audit trail"]
)


async def audit_filters(
    actor: Annotated[
        str | None,
        Query(max_length=LONGEST_FILTER, description="A member's id, `cli:NAME`, `anonymous`, or `moothall` itself."),
    ] = None,
    action: Annotated[
        str | None,
        Query(
            min_length=1, max_length=LONGEST_FILTER, examples=["user.roles-set"], description="`thing.what-happened`."
        ),
    ] = None,
    subject: Annotated[
        str | None,
        Query(min_length=1, max_length=LONGEST_FILTER, description="A member's id, a role's name, a signing key's id."),
    ] = None,
    since: Annotated[Moment | None, Query(description="From this time on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this time.")] = None,
) -> AuditFilters:
    return AuditFilters(actor, action, subject, since, until)


@router.get(
    "",
    response_model=Page[Entry],
    responses=problems(use_case="list_entries"),
    summary="Who did what to whom, when and from where",
)
async def list_audit(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    filters: Annotated[AuditFilters, Depends(audit_filters)],
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    """Newest first. Entries hold ids and the names of fields, never what is in them."""
    return listing(request, await application.audit.list_entries(actor, filters=filters, page=page), Page[Entry])

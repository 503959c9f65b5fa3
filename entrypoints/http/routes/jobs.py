"""What is done in the background, for who asked for it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from application.jobs.views import JobFilters, JobView
from application.paging import Page, PageRequest
from domain.jobs.job import Status
from entrypoints.http.openapi import problems
from entrypoints.http.resources import API, NO_STORE, answer, listing, page_request
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import SignedIn, TheApplication

router = APIRouter(
    prefix=f"{API}/jobs", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Jobs"]
)


async def job_filters(
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    kind: Annotated[
        str | None, Query(min_length=1, max_length=200, examples=["sweep"], description="Only this kind.")
    ] = None,
    user_id: Annotated[UUID | None, Query(description="Another member's, with `jobs:read`.")] = None,
) -> JobFilters:
    return JobFilters(user_id=user_id, kind=kind, status=status)


@router.get("", response_model=Page[JobView], responses=problems(use_case="list_jobs"), summary="List jobs")
async def list_jobs(
    request: Request,
    application: TheApplication,
    actor: SignedIn,
    filters: Annotated[JobFilters, Depends(job_filters)],
    page: Annotated[PageRequest, Depends(page_request)],
) -> Response:
    """Newest first: one's own, and with `jobs:read` everybody's and those that nobody asked for."""
    return listing(request, await application.jobs.list_jobs(actor, filters=filters, page=page), Page[JobView])


@router.get("/{job_id}", response_model=JobView, responses=problems(use_case="show_job"), summary="Show a job")
async def show_job(application: TheApplication, actor: SignedIn, job_id: UUID) -> Response:
    """How far it is, and what became of it. Ask again until `finished_at` is set."""
    return answer(await application.jobs.show_job(actor, job_id=job_id), headers=NO_STORE)


@router.post(
    "/{job_id}/cancel",
    response_model=JobView,
    responses=problems(use_case="cancel_job"),
    summary="Cancel a job",
)
async def cancel_job(application: TheApplication, actor: SignedIn, job_id: UUID) -> Response:
    """One that waits is cancelled at once. One that runs stops within seconds: until then it is `running`, with
    `cancel_requested`, and it may still succeed."""
    return answer(await application.jobs.cancel_job(actor, job_id=job_id), headers=NO_STORE)


@router.post(
    "/{job_id}/retry",
    response_model=JobView,
    responses=problems(use_case="retry_job"),
    summary="Retry a job",
)
async def retry_job(application: TheApplication, actor: SignedIn, job_id: UUID) -> Response:
    """One that failed, died or was cancelled is begun once more, from the beginning."""
    return answer(await application.jobs.retry_job(actor, job_id=job_id), headers=NO_STORE)

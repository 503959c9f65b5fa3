"""Whether we are alive, and whether we can work."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from entrypoints.http.openapi import problems
from entrypoints.http.resources import answer
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import TheApplication

router = APIRouter(route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["System"])


class Health(BaseModel):
    status: str


@router.get("/health", response_model=Health, summary="Alive")
async def health() -> Response:
    return answer(Health(status="ok"))


@router.get("/ready", response_model=Health, responses=problems(503), summary="Able to work")
async def ready(application: TheApplication) -> Response:
    """The database answers, and its schema is the one that this version needs."""
    await application.store.check()
    return answer(Health(status="ready"))

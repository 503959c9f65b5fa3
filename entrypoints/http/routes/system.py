"""Whether we are alive, and whether we can work."""

import hmac

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from domain.errors import Unauthenticated
from entrypoints.http.metrics import Metrics
from entrypoints.http.openapi import problems
from entrypoints.http.resources import answer
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.http.security import TheApplication

router = APIRouter(route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["System"])


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(Health):
    """`redis`: whether it answered when it was last asked; null where none is used. Without it limits are stricter, and
    everything else is the same."""

    redis: bool | None


@router.get("/health", response_model=Health, summary="Alive")
async def health() -> Response:
    return answer(Health(status="ok"))


@router.get(
    "/ready",
    response_model=Readiness,
    responses=problems(codes={503: ["migrations-pending", "database-unavailable"]}),
    summary="Able to work",
)
async def ready(application: TheApplication) -> Response:
    """The database answers, and its schema is the one that this version needs."""
    await application.store.check()
    redis = application.load.redis
    return answer(Readiness(status="ready", redis=None if redis is None else redis.is_reached()))


async def metrics(request: Request) -> Response:
    """For Prometheus; with a bearer token, if one is configured."""
    token: str | None = request.app.state.metrics_token
    given = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
    if token is not None and not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise Unauthenticated("bad-token", "Send the token for metrics.", presented=bool(given))
    metrics: Metrics = request.app.state.metrics
    content, media_type = await metrics.exposed(request.headers.get("accept", ""))
    return Response(content, media_type=media_type)

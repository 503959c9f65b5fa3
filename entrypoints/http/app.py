"""The HTTP application: a factory, whose lifespan opens the product and closes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from application.app import Application
from application.mail import Mailer
from application.ports import Clock
from entrypoints.background import connecting, warming, working
from entrypoints.bootstrap import open_application
from entrypoints.http import docs, errors, live_demo, openapi, pages
from entrypoints.http.live_places import LivePlaces
from entrypoints.http.metrics import Metrics
from entrypoints.http.middleware import RequestContext
from entrypoints.http.routes import (
    api_keys,
    audit,
    auth,
    events,
    live,
    me,
    notifications,
    oauth,
    orders,
    outbox,
    posts,
    products,
    roles,
    sockets,
    system,
    users,
    webhooks,
)
from entrypoints.http.routes import imports as import_routes
from entrypoints.http.routes import jobs as job_routes
from entrypoints.http.routes import profiles as profile_routes
from entrypoints.settings import Settings, load
from entrypoints.traces import Traced, open_traces

if TYPE_CHECKING:
    from entrypoints.testing.testbed import Testbed

DESCRIPTION = """Accounts, sessions, permissions, profiles, posts and orders behind one HTTP API.

Errors are `application/problem+json` (RFC 9457) with a stable `code`; unknown fields and query parameters are refused.
Lists come in pages, numbered (`page`) or by cursor (`cursor`, which costs the same at any depth). Single resources
carry an `ETag`; `If-Match` makes a change conditional."""


def create_app(
    settings: Settings | None = None,
    *,
    in_memory: bool = False,
    clock: Clock | None = None,
    mailer: Mailer | None = None,
    jobs: bool | None = None,
    on_ready: Callable[[Application], Awaitable[None]] | None = None,
    around: Callable[[Any, Any], Any] | None = None,
    testbed: "Testbed | None" = None,
) -> FastAPI:
    """The ASGI application; nothing is opened before its lifespan begins.

    Without settings they are read from the environment. `clock` and `mailer` take the place of the configured ones;
    `around` is asked for each port, by its type, what is used in its place. `jobs`: whether jobs are done here; None:
    where no `moothall worker` is expected, that is in memory and embedded. `on_ready` is awaited once everything is
    open, before the first request is taken. `testbed` has the application, in memory, and its routes are served under
    `/testing`.

    Raises:
        SettingsError: a setting is wrong.
    """
    chosen = settings if settings is not None else load()
    does_jobs = (in_memory or chosen.is_embedded) if jobs is None else jobs

    @asynccontextmanager
    async def serving(application: Application) -> AsyncIterator[None]:
        app.state.application = application
        async with (
            working(application, jobs=does_jobs),
            warming(application),
            connecting(application),
            metrics.watching(application),
        ):
            yield

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if testbed is not None:
            async with testbed.open(serving):
                yield
        else:
            async with open_application(
                chosen, in_memory=in_memory, clock=clock, mailer=mailer, around=around
            ) as application:
                if on_ready is not None:
                    await on_ready(application)
                async with serving(application):
                    yield
        if traces is not None:
            await asyncio.to_thread(traces.shutdown)

    metrics, traces = Metrics(version("moothall")), open_traces()
    public_url = str(chosen.public_url).rstrip("/")
    app = FastAPI(
        title="Moothall",
        summary="A self-hosted membership backend.",
        description=DESCRIPTION,
        version=version("moothall"),
        contact={"name": "Whoever runs this installation", "url": public_url},
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        form_limits={"max_fields": 32, "max_files": 0},
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # its spans hold queries, and so the links' tokens
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.public_url = public_url
    app.state.issuer = chosen.token_issuer
    app.state.cors_origins = chosen.cors_origins
    app.state.live_places = LivePlaces(chosen.live_connections, chosen.live_connections_per_address)
    app.state.metrics = metrics
    app.state.metrics_token = None if chosen.metrics_token is None else chosen.metrics_token.get_secret_value()
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    errors.install(app)
    for router in (
        me.router,
        users.router,
        users.exports,
        auth.router,
        api_keys.router,
        roles.router,
        audit.router,
        import_routes.router,
        job_routes.router,
        outbox.router,
        profile_routes.mine,
        profile_routes.everybodys,
        products.router,
        orders.router,
        notifications.router,
        events.router,
        posts.router,
        live.router,
        posts.of_members,
        webhooks.router,
        oauth.router,
        oauth.well_known,
        system.router,
    ):
        app.router.routes.extend(router.routes)  # included as routers, each would be asked in turn at every request
    app.router.routes.extend(sockets.routes)
    app.add_api_route("/metrics", system.metrics, include_in_schema=False)
    pages.install(app, site_name=chosen.site_name, passwords=chosen.identity_rules.passwords)
    if chosen.serves_docs:
        app.add_api_route("/openapi.json", _document, include_in_schema=False)
        app.router.routes.extend(docs.router.routes)
    if live_demo.is_served(chosen.environment, in_memory=in_memory):
        app.router.routes.extend(live_demo.router.routes)
    if testbed is not None:
        app.state.testbed = testbed
        app.router.routes.extend(_testing_routes().routes)
    cors: Callable[[ASGIApp], ASGIApp] | None = None
    if chosen.cors_origins:
        cors = partial(
            CORSMiddleware,
            allow_origins=chosen.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "Last-Event-ID",
                "X-API-Key",
                "X-Request-ID",
            ],
            expose_headers=[
                "ETag",
                "Idempotency-Replayed",
                "Link",
                "Location",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
                "X-Request-ID",
            ],
        )
        app.add_middleware(cors)
    if traces is not None:
        app.add_middleware(Traced, provider=traces)
    app.add_middleware(
        RequestContext,
        metrics=metrics,
        max_body_size=chosen.max_body_size,
        max_in_flight=chosen.max_in_flight,
        https=public_url.startswith("https:"),
        cors=cors,
    )
    return app


def _testing_routes() -> APIRouter:
    from entrypoints.http.routes import testing  # noqa: PLC0415 (few servers have them)

    return testing.router


async def _document(request: Request) -> Response:
    return JSONResponse(request.app.openapi())

"""`moothall serve`: the HTTP API."""

import gc
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import MoothallError
from entrypoints.cli.errors import ExitCode, wrong_usage
from entrypoints.cli.logs import log_config
from entrypoints.cli.output import Output
from entrypoints.cli.running import first_admin, has_administrator, on_application, operator, read_settings
from entrypoints.wrong_settings import SettingsError

if TYPE_CHECKING:
    from application.app import Application
    from domain.access.actor import Actor
    from entrypoints.settings import Settings

ASGI = Callable[[Any, Any, Any], Awaitable[None]]

MEMORY_ADMIN = "admin@example.com"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
GRACE = 5
"""Seconds that requests in flight get to finish; jobs get some more, and after 10 all is over."""
READY_WITHIN = 30
"""Seconds that a new worker gets to start, when all are replaced one by one (SIGHUP)."""

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their numbers for each other; prometheus-client reads this name when it is imported."""


class Seed(StrEnum):
    DEMO = "demo"


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="PORT")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, metavar="N", help="Processes; else MOOTHALL_WORKERS, else 1.")
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Keep nothing: for trying out and for tests, which get /testing.")
    ] = False,
    seed: Annotated[
        Seed | None, typer.Option(help="With --memory: what is there at the beginning, besides an administrator.")
    ] = None,
) -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C. SIGHUP replaces several workers one after the other, and ends one."""
    from entrypoints.settings import without_effect
    from entrypoints.traces import are_wanted

    settings = read_settings() if workers is None else read_settings(workers=workers)
    are_wanted()  # or the start stops
    if memory and settings.workers > 1:
        raise wrong_usage("With --memory there is one worker: processes share no memory.")
    if seed is not None and not memory:
        raise wrong_usage("--seed is for --memory: nothing is made up where data is kept.")
    output = Output.of(context)
    for name in without_effect():
        output.say(f"warning: {name} has no effect in this version.")
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    output.say(f"Moothall at {address}, {_kept(settings, memory=memory)}.")
    if memory and "public_url" not in settings.model_fields_set:
        settings = read_settings(public_url=address)
    if "public_url" not in settings.model_fields_set and port != settings.public_url.port:
        output.say(f"warning: tokens and links name {settings.public_url}; set MOOTHALL_PUBLIC_URL to where this is.")
    options = {"host": host, "port": port, **_options(settings)}
    if memory:
        _serve_in_memory(settings, options, output, seed)
    elif settings.workers > 1:
        _serve_with_several(settings, options, output)
    else:
        _serve_with_one(settings, options, output)


def _kept(settings: "Settings", *, memory: bool) -> str:
    """Where things are kept, as a person may read it: never the URL, which may hold a password."""
    if memory:
        return "in memory: everything is forgotten at the end"
    if settings.database_url is None:
        return f"data in {settings.data_dir.absolute()}"
    return f"database: {'SQLite' if settings.is_embedded else 'PostgreSQL'}"


def _options(settings: "Settings") -> dict[str, Any]:
    from entrypoints.http.connections import OrderlyProtocol
    from entrypoints.http.live_protocol import ANSWERED_WITHIN, LARGEST_MESSAGE, PING_EVERY, LiveProtocol

    return {
        "http": OrderlyProtocol,
        "ws": LiveProtocol,
        "ws_max_size": LARGEST_MESSAGE,
        "ws_ping_interval": PING_EVERY,
        "ws_ping_timeout": ANSWERED_WITHIN,
        "ws_per_message_deflate": False,
        "workers": settings.workers,
        "server_header": False,
        "access_log": False,
        "log_config": log_config(settings.log_level, as_json=settings.logs_json),
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": GRACE,
        "timeout_worker_healthcheck": READY_WITHIN,
    }


def _serve_with_several(settings: "Settings", options: dict[str, Any], output: Output) -> None:
    """Each process reads its settings itself; what is made once is made before they start."""
    import uvicorn

    from entrypoints.http.supervision import watch_workers

    async def ready(application: "Application", actor: "Actor") -> None:
        await _hint_at_first_admin(application, output)

    on_application(ready, settings)
    os.environ["MOOTHALL_WORKERS"] = str(settings.workers)
    with TemporaryDirectory(prefix="moothall-metrics-") as directory:
        os.environ[METRICS_DIRECTORY] = directory
        watch_workers()
        uvicorn.run("entrypoints.http.worker:create_app_of_a_worker", factory=True, **options)


def _serve_with_one(settings: "Settings", options: dict[str, Any], output: Output) -> None:
    from entrypoints.http.app import create_app

    async def ready(application: "Application") -> None:
        await _hint_at_first_admin(application, output)
        _settle_down()

    _run(create_app(settings, on_ready=ready), options)


def _serve_in_memory(settings: "Settings", options: dict[str, Any], output: Output, seed: Seed | None) -> None:
    """What is there at the beginning is there again after each reset."""
    import secrets

    from entrypoints.http.app import create_app
    from entrypoints.testing import demo
    from entrypoints.testing.house import House
    from entrypoints.testing.testbed import Testbed

    password = secrets.token_hex(max(16, (settings.password_min_length + 1) // 2))

    async def furnish(house: House) -> None:
        await house.application.identity.create_first_admin(operator(), email=MEMORY_ADMIN, password=password)
        if seed is Seed.DEMO:
            await demo.move_in(house)

    # The one way in; told even with --quiet, because it is written nowhere else.
    typer.echo(f"The administrator is {MEMORY_ADMIN} with the password {password}", err=True)
    if seed is Seed.DEMO:
        names = ", ".join(username for username, *_ in demo.MEMBERS)
        output.say(f"Members, with the password {demo.PASSWORD}: {names}.")
    if options["host"] not in LOOPBACK:
        output.say("warning: whoever reaches this server can be anybody in it, by /testing/token.")
    _run(create_app(settings, in_memory=True, testbed=Testbed(settings, furnish)), options)


def _settle_down() -> None:
    gc.freeze()  # all that is there now stays
    gc.set_threshold(700, 10, 10)  # Python's own


def _run(served: ASGI, options: dict[str, Any]) -> None:
    import uvicorn

    app = Supervised(served)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        uvicorn.run(app, interface="asgi3", **options)
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise typer.Exit(ExitCode.FAILED) from None


async def _hint_at_first_admin(application: "Application", output: Output) -> None:
    if not await has_administrator(application, operator()):
        output.say(f"There is no administrator yet. With the same settings, run: {first_admin()}")


class Supervised:
    """An application that keeps why it could not start, so that a sentence can tell it instead of a traceback."""

    def __init__(self, app: ASGI) -> None:
        self.failure: Exception | None = None
        self._app = app

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        return self._app(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        failed: list[dict[str, str]] = []

        async def hold_failure(message: dict[str, str]) -> None:
            if message["type"] == "lifespan.startup.failed":
                failed.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except BaseException as error:
            for message in failed:
                if isinstance(error, (MoothallError, SettingsError, OSError)):
                    self.failure, message["message"] = error, ""
                await send(message)
            raise

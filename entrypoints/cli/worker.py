"""`moothall worker`: what is done beside the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.access.actor import Actor
from entrypoints.cli.logs import log_config
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, operator, read_settings, run

if TYPE_CHECKING:
    from application.app import Application
    from application.audit.views import Sealed
    from application.housekeeping import Swept


def worker(
    context: typer.Context,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="The time between two sweeps.")] = 300,
    once: Annotated[bool, typer.Option("--once", help="Do it once and end, as cron wants it.")] = False,
) -> None:
    """Sweep away what has run out, and seal the audit trail, again and again."""
    if once:
        swept, sealed = on_application(_once)
        Output.of(context).say(f"Swept {swept}. Sealed {sealed.count} entries of the audit trail.")
    else:
        _sweep_until_stopped(every)


def _sweep_until_stopped(every: float) -> None:
    from logging.config import dictConfig

    from entrypoints.worker import run_worker

    settings = read_settings()
    dictConfig(log_config(settings.log_level))
    run(run_worker(settings, operator(), every=every))


async def _once(application: "Application", actor: Actor) -> "tuple[Swept, Sealed]":
    return await application.sweep(actor), await application.audit.seal(actor)

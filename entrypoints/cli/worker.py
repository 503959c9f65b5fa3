"""`moothall worker`: what is done beside the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.access.actor import Actor
from entrypoints.cli.logs import log_config
from entrypoints.cli.output import Output
from entrypoints.cli.running import on_application, read_settings

if TYPE_CHECKING:
    from application.app import Application


def worker(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, sweep, and end, as cron wants it.")] = False,
) -> None:
    """Do jobs, deliver events, send mails, sweep, and seal the audit trail, until SIGTERM or Ctrl-C.

    On PostgreSQL, any number of these work together, on any number of machines. The embedded server does all of this
    by itself.
    """
    if once:
        Output.of(context).say(on_application(_once))
    else:
        _work_until_stopped()


def _work_until_stopped() -> None:
    from logging.config import dictConfig

    import uvloop

    from entrypoints.worker import run_worker

    settings = read_settings()
    dictConfig(log_config(settings.log_level, as_json=settings.logs_json))
    uvloop.run(run_worker(settings))


async def _once(application: "Application", actor: Actor) -> str:
    done = await application.runner.drain()
    swept = await application.sweep(actor)
    sealed = await application.audit.seal(actor)
    return f"Did {done} jobs. Swept {swept}. Sealed {sealed.count} entries of the audit trail."

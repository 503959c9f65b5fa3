"""`moothall worker` with two kinds of jobs more: one that does nothing, and one that leaves a row in the store.

Run with `python -m tests.benchmarks.jobs_worker`; the settings come from the environment.
"""

import asyncio
import logging
import sys

from application.jobs.kinds import JobKind, Run
from domain.access.actor import NOWHERE
from domain.events import Emitted
from domain.identity.events import EmailVerified
from entrypoints.settings import load
from entrypoints.worker import run_worker


async def do_nothing(run: Run) -> None: ...


async def leave_row(run: Run) -> None:
    async with run.finishing() as uow:
        event = EmailVerified(user_id=run.job.id)
        await uow.events.add(Emitted.of(event, id=run.job.id, at=run.job.created_at, actor="bench", origin=NOWHERE))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    asyncio.run(run_worker(load(), more_kinds=[JobKind("nothing", do_nothing), JobKind("row", leave_row)]))

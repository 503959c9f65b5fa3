"""How a job that is watched is shown on standard error: as a bar on a terminal, elsewhere in a line for each change."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.jobs.job import Progress, Status

if TYPE_CHECKING:
    from application.jobs.views import JobView

    Tell = Callable[["JobView"], None]


@contextmanager
def telling(*, quiet: bool) -> "Iterator[Tell]":
    """What to call with the job each time that it was looked at."""
    if quiet:
        yield lambda job: None
    elif sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _lines()


def parts(progress: Progress) -> str:
    """`3/10, 1 rejected`; without a total that is known, `3`."""
    done = str(progress.done) if progress.total is None else f"{progress.done}/{progress.total}"
    return f"{done}, {progress.rejected} rejected" if progress.rejected else done


def _lines() -> "Tell":
    told = ""

    def tell(job: "JobView") -> None:
        nonlocal told
        line = f"{_state(job)}: {parts(job.progress)}"
        if line != told:
            print(line, file=sys.stderr, flush=True)
        told = line

    return tell


@contextmanager
def _bar() -> "Iterator[Tell]":
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[parts]}", markup=False),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, parts="")

        def tell(job: "JobView") -> None:
            done, total = job.progress.done, job.progress.total
            if total is None and job.status is Status.SUCCEEDED:  # the bar is full, however little was known before
                done = total = max(done, 1)
            bar.update(task, description=_state(job), completed=done, total=total, parts=parts(job.progress))

        yield tell


def _state(job: "JobView") -> str:
    return (
        f"{job.status.value}, asked to stop"
        if job.status is Status.RUNNING and job.cancel_requested
        else job.status.value
    )

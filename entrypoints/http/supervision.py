"""What watches over several workers: uvicorn's supervisor, with one mend."""

from uvicorn.supervisors import multiprocess


class WatchedProcess(multiprocess.Process):
    """A worker whose end is noticed at once.

    uvicorn keeps the worker's end of their pipe open, so that nothing tells it that a worker died before it answered,
    at its start above all: for as long as a slow start may take it then replaces nobody, and hears no signal.
    """

    def start(self) -> None:
        super().start()
        self.child_conn.close()


def watch_workers() -> None:
    """For the supervisor that this process is about to become."""
    multiprocess.Process = WatchedProcess  # type: ignore[misc]

"""What is measured while requests are answered, for Prometheus; docs/operations.md lists it all.

With several workers each writes its numbers into a file of its own, in the directory that `moothall serve` names to
them, and whichever is asked adds them up. With one there are no files.
"""

import asyncio
import math
import os
import platform
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from domain.access.actor import PROCESS
from domain.errors import MoothallError

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import Backlog
    from application.ports import Usage

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
UNMATCHED = "unmatched"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER_METHOD = "other"

TICK = 0.1
"""Seconds between two looks at the event loop."""
WORST_OF = 100
"""Ticks."""
PROCESS_EVERY = 10
"""Ticks; asking the system costs more than the rest."""
STORE_AT_MOST_EVERY = 1.0
STORE_WITHIN = 1.0
"""Seconds."""

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Series = tuple[Callable[[], None], Callable[[float], None]]


class Metrics:
    """Those of one process. What is counted on each request costs a microsecond; what is a state is looked at with
    each tick, so that a worker that is asked finds what the others last saw."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.in_flight = 0
        self._registry = CollectorRegistry()
        self._series: dict[tuple[str, str, int], Series] = {}
        self._lags: deque[float] = deque([0.0], maxlen=WORST_OF)
        self._application: Application | None = None
        self._store_read_at = -math.inf
        self._cpu_seconds_told = 0.0
        self._scrapes: dict[str, asyncio.Task[bytes]] = {}
        labels = ("method", "route", "status")
        self._requests = Counter(
            "moothall_http_requests", "Requests that were answered.", labels, registry=self._registry
        )
        self._durations = Histogram(
            "moothall_http_request_duration_seconds",
            "From a request's headers to the end of its answer.",
            labels,
            buckets=DURATIONS,
            registry=self._registry,
        )
        self._in_flight = self._sum("moothall_http_requests_in_flight", "Requests that are being answered.")
        self._live = self._sum("moothall_live_connections", "Sockets and streams of events of the live channel.")
        self._lag = Histogram(
            "moothall_event_loop_lag_seconds",
            "How late a timer of 100 ms fires.",
            buckets=LAGS,
            registry=self._registry,
        )
        self._worst_lag = self._gauge(
            "moothall_event_loop_lag_worst_seconds", "The worst of the last 10 seconds, in any worker.", "livemax"
        )
        self._connections = self._usage("moothall_database_connections", "connections to the database")
        self._hashing = self._usage("moothall_password_hashing_threads", "threads that hash passwords")
        self._store_up = self._latest("moothall_store_up", "Whether the store told its backlog when it was last asked.")
        self._redis_up = self._gauge(
            "moothall_redis_up", "Whether Redis answered every worker when it was last asked.", "livemin"
        )
        self._due = self._latest("moothall_jobs_due", "Jobs and deliveries that are due and wait for a worker.")
        self._retrying = self._latest("moothall_jobs_retrying", "Jobs and deliveries that failed and are tried again.")
        self._outbox_lag = self._latest(
            "moothall_outbox_lag_seconds", "For how long the oldest of those that are due has been waiting."
        )
        self._set_aside = self._latest("moothall_deliveries_set_aside", "Deliveries that wait for somebody's word.")
        self._sum("moothall_workers", "Processes that serve.").set(1)
        build = self._latest("moothall_build_info", "What runs here.", ("version", "python"))
        build.labels(version, platform.python_version()).set(1)
        self._cpu = Counter("process_cpu", "Processor time, of all workers.", unit="seconds", registry=self._registry)
        self._memory = self._sum("process_resident_memory_bytes", "Resident memory, of all workers.")
        self._files = self._sum("process_open_fds", "Open files and sockets, of all workers.")
        self._started = self._gauge(
            "process_start_time_seconds", "When the youngest worker started, in seconds since 1970.", "livemax"
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template of a path, never a path; status 0 is no answer: the client went away."""
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._new_series(*key)
        count, observe = series
        count()
        observe(seconds)

    @asynccontextmanager
    async def watching(self, application: "Application") -> AsyncIterator[None]:
        """Meanwhile, look at the event loop and at what can be exhausted."""
        self._application = application
        looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def exposed(self, accept: str) -> tuple[bytes, str]:
        """All as a scraper reads it, and of which media type. Many at once cost no more than one."""
        encode, media_type = choose_encoder(accept)
        scrape = self._scrapes.get(media_type)
        if scrape is None or scrape.done():
            # In no request's context: several may wait for it.
            scrape = self._scrapes[media_type] = asyncio.create_task(self._encoded(encode), context=Context())
        return await asyncio.shield(scrape), media_type

    def _gauge(self, name: str, explanation: str, mode: Any, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, explanation, labels, multiprocess_mode=mode, registry=self._registry)

    def _sum(self, name: str, explanation: str) -> Gauge:
        return self._gauge(name, explanation, "livesum")

    def _latest(self, name: str, explanation: str, labels: tuple[str, ...] = ()) -> Gauge:
        """The same for all workers: what was seen last counts."""
        return self._gauge(name, explanation, "livemostrecent", labels)

    def _usage(self, name: str, of_what: str) -> tuple[Gauge, Gauge, Gauge]:
        return (
            self._sum(f"{name}_limit", f"How many {of_what} there may be at once."),
            self._sum(f"{name}_in_use", f"How many {of_what} are in use."),
            self._sum(f"{name}_waiting", f"How many wait for {of_what}."),
        )

    def _new_series(self, method: str, route: str, status: int) -> Series:
        labels = (method if method in METHODS else OTHER_METHOD, route, str(status) if status else "none")
        return self._requests.labels(*labels).inc, self._durations.labels(*labels).observe

    async def _look_again_and_again(self) -> None:
        ticks = 0
        while True:
            if ticks % PROCESS_EVERY == 0:
                self._look_at_process()
            self._look()
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            lag = max(0.0, time.perf_counter() - due)
            self._lags.append(lag)
            self._lag.observe(lag)
            ticks += 1

    def _look(self) -> None:
        self._in_flight.set(self.in_flight)
        self._worst_lag.set(max(self._lags))
        if self._application is not None:
            self._live.set(self._application.live.switchboard.connections)
            load = self._application.load
            _set(self._hashing, load.hashing.usage())
            if load.connections is not None:
                _set(self._connections, load.connections.usage())
            self._redis_up.set(math.nan if load.redis is None else load.redis.is_reached())

    def _look_at_process(self) -> None:
        told = {sample.name: sample.value for metric in _process.collect() for sample in metric.samples}
        if not told:  # systems without /proc
            return
        self._cpu.inc(max(0.0, told["process_cpu_seconds_total"] - self._cpu_seconds_told))
        self._cpu_seconds_told = told["process_cpu_seconds_total"]
        self._memory.set(told["process_resident_memory_bytes"])
        self._files.set(told.get("process_open_fds", math.nan))
        self._started.set(told["process_start_time_seconds"])

    async def _encoded(self, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
        """Thousands of lines take tens of milliseconds: not on the event loop."""
        await self._refresh()
        return await asyncio.to_thread(lambda: encode(_merged() or self._registry))

    async def _refresh(self) -> None:
        self._look()
        self._look_at_process()
        if self._application is not None and time.monotonic() - self._store_read_at >= STORE_AT_MOST_EVERY:
            self._store_read_at = time.monotonic()
            await self._ask_store(self._application)

    async def _ask_store(self, application: "Application") -> None:
        """What cannot be told is not a number; 0 would be a lie."""
        try:
            async with asyncio.timeout(STORE_WITHIN):
                backlog = await application.jobs.show_backlog(PROCESS)
        except (MoothallError, TimeoutError):
            self._store_up.set(0)
            for gauge in (self._due, self._retrying, self._outbox_lag, self._set_aside):
                gauge.set(math.nan)
        else:
            self._store_up.set(1)
            self._tell(backlog, application)

    def _tell(self, backlog: "Backlog", application: "Application") -> None:
        now = application.jobs.show_backlog.clock.now()
        self._due.set(backlog.waiting)
        self._retrying.set(backlog.retrying)
        self._outbox_lag.set(0 if backlog.oldest is None else max(0.0, (now - backlog.oldest).total_seconds()))
        self._set_aside.set(backlog.set_aside)


_process = ProcessCollector(registry=None)


def _set(gauges: tuple[Gauge, Gauge, Gauge], usage: "Usage") -> None:
    limit, in_use, waiting = gauges
    limit.set(usage.size)
    in_use.set(usage.in_use)
    waiting.set(usage.waiting)


def _merged() -> CollectorRegistry | None:
    """The numbers of all workers, where there are several. What they counted stays when one dies; its state goes."""
    directory = os.environ.get(DIRECTORY)
    if directory is None:
        return None
    for pid in {file.stem.rpartition("_")[2] for file in Path(directory).glob("gauge_live*.db")}:
        if not _is_alive(int(pid)):
            with suppress(FileNotFoundError):  # another worker finds it, too
                mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    return registry


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody's
        return True
    return True

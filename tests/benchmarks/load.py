"""The clients: wrk for reading oneself, threads for logging in, and bcrypt alone as the yardstick of a login."""

import http
import http.client
import itertools
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import bcrypt

from .client import Client
from .targets import MEMBERS, Account, Login, Running

CONNECTIONS = 32
CORES = len(os.sched_getaffinity(0))
LOGIN_CLIENTS = 4 * CORES  # when only logins are measured: enough that no worker is idle
BUSY_CLIENTS = 2 * CORES  # when they only have to keep the cores busy
BCRYPT_COST = 12

_ROTATE = Path(__file__).with_name("rotate.lua")
_FEWEST = 8  # logins from which a rate can be told
_STAGGER = 0.02  # seconds between the clients' first connections, so that each worker gets some
_RECORDED = 30  # seconds: wrk counts slower answers as broken and forgets their latency


class MissingToolError(RuntimeError):
    """A program that the benchmark needs is not installed."""


class LoadError(RuntimeError):
    """A client could not do its work, so that there is no figure."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What wrk saw: good answers a second, latencies in milliseconds, good answers (of the poorest burst), failures."""

    rate: float
    p50: float
    p99: float
    answers: int
    failed: int

    @property
    def p99_is_a_lower_bound(self) -> bool:
        """So few answers that those still missing at the end would have changed the percentile."""
        return self.answers < 10 * CONNECTIONS


@dataclass(frozen=True, slots=True)
class Logins:
    """Achieved logins a second (None: too few to tell), and how many were answered with anything but 200."""

    rate: float | None
    answers: int
    failed: int


def find_wrk() -> str:
    """Raises MissingToolError when it is not on the path."""
    found = shutil.which("wrk")
    if found is None:
        raise MissingToolError("the load generator `wrk` is missing: apt-get install wrk")
    return found


def read_own_users(server: Running, bursts: int, seconds: int = 1) -> Reads:
    """Let 32 connections of one client thread read their own users, `bursts` times for `seconds`; the median burst.

    Each burst connects anew. Which worker accepts which connection is a lottery, in which one of two workers sometimes
    gets none at all: in a single long burst that would halve the figure. Each also begins with another member, so that
    all have their turn at a slow server too.
    """
    seen = [_burst(server, seconds, number * MEMBERS // bursts) for number in range(bursts)]
    return Reads(
        rate=statistics.median(one.rate for one in seen),
        p50=statistics.median(one.p50 for one in seen),
        p99=statistics.median(one.p99 for one in seen),
        answers=min(one.answers for one in seen),
        failed=sum(one.failed for one in seen),
    )


def _burst(server: Running, seconds: int, first: int) -> Reads:
    command = [find_wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"--timeout={_RECORDED}s"]
    command += ["-s", str(_ROTATE), server.url, "--", str(server.requests), str(first)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
        seen = json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        raise LoadError(f"wrk failed: {error.stdout}{error.stderr}") from error
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise LoadError(f"wrk did not report: {error}") from error
    good = seen["requests"] - seen["refused"]
    if not good:  # every answer would have taken longer than the burst
        return Reads(rate=0.0, p50=seconds * 1e3, p99=seconds * 1e3, answers=0, failed=seen["refused"] + seen["broken"])
    return Reads(
        rate=good / (seen["microseconds"] / 1e6),
        p50=seen["p50"] / 1e3,
        p99=seen["p99"] / 1e3,
        answers=good,
        failed=seen["refused"] + seen["broken"],
    )


@dataclass
class LoginClients:
    """While the block lasts, each of `clients` threads logs in again as soon as it was answered."""

    server: Running
    login: Login
    clients: int
    _done: list[float] = field(default_factory=list)
    _failed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopped_at: float = float("inf")

    def __enter__(self) -> Self:
        accounts = self.login.accounts
        for number in range(self.clients):
            mine = accounts[number % len(accounts) :: self.clients]
            self._threads.append(threading.Thread(target=self._log_in, args=(mine,), daemon=True))
        for thread in self._threads:
            thread.start()
            time.sleep(_STAGGER)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped_at = time.monotonic()
        self._stop.set()
        if kind is None:
            for thread in self._threads:
                thread.join()

    def seen(self) -> Logins:
        """To be asked after the block."""
        done = [moment for moment in self._done if moment <= self._stopped_at]
        return Logins(rate=_steady_rate(done, self.clients), answers=len(done), failed=self._failed)

    def _log_in(self, accounts: tuple[Account, ...]) -> None:
        with Client(self.server.port) as client:
            for account in itertools.cycle(accounts):
                if self._stop.is_set():
                    return
                form = {"username": account.username, "password": account.password}
                try:
                    status = client.call("POST", self.login.path, form=form).status
                except (OSError, http.client.HTTPException):
                    status = 0
                if status == http.HTTPStatus.OK:
                    self._done.append(time.monotonic())
                else:
                    self._failed += 1
                    self._stop.wait(0.1)  # a client that is turned away comes back, but not in a busy loop


def log_in_for(server: Running, login: Login, seconds: float) -> Logins:
    with LoginClients(server, login, LOGIN_CLIENTS) as clients:
        time.sleep(seconds)
    return clients.seen()


def seconds_of_one_hash(samples: int = 5) -> float:
    """The median time of one bcrypt check at cost 12 on the idle machine, in seconds."""
    check = _bcrypt_check()
    times = []
    for _ in range(samples):
        begin = time.perf_counter()
        check()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def bcrypt_alone(seconds: float) -> Logins:
    """Checks that one thread for each core achieves without any server: the most that logins can reach."""
    check = _bcrypt_check()
    end = time.monotonic() + seconds

    def work() -> list[float]:
        done = []
        while time.monotonic() < end:
            check()
            done.append(time.monotonic())
        return done

    with ThreadPoolExecutor(CORES) as pool:
        futures = [pool.submit(work) for _ in range(CORES)]
        done = [moment for future in futures for moment in future.result()]
    return Logins(rate=_steady_rate(done, CORES), answers=len(done), failed=0)


def _bcrypt_check() -> Callable[[], bool]:
    password = b"as long as a usual password"
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(BCRYPT_COST))
    return lambda: bcrypt.checkpw(password, hashed)


def _steady_rate(moments: list[float], skipped: int) -> float | None:
    """Completions a second: the slope through their moments (in seconds) after the first `skipped`.

    Counting them in a window would lose those under way at its ends, which is several percent of so few.
    """
    steady = sorted(moments)[skipped:]
    if len(steady) < _FEWEST:
        return None
    return 1 / statistics.linear_regression(range(len(steady)), steady).slope

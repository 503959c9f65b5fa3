"""Metrics of several workers: any of them tells those of all, and what one counted outlives it."""

import os
import re
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.cli.command import READY, Moothall, started
from tests.entrypoints.http.metrics import Samples, read, total, value

REQUESTS = "moothall_http_requests_total"
SCRAPES = 12
"""So many that one worker does not answer them all."""


def _scraped(port: int) -> list[Samples]:
    return [read(httpx.get(f"http://127.0.0.1:{port}/metrics").text) for _ in range(SCRAPES)]


def _health(port: int, times: int) -> None:
    for _ in range(times):
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_any_worker_tells_the_numbers_of_all(
    moothall: Moothall, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with started("serve", "--workers", "2", "--port", str(port)) as server:
        server.expect("startup complete")
        said = server.expect("startup complete")
        pids = [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", said)]
        assert len(set(pids)) == 2
        [directory] = tmp_path.glob("moothall-metrics-*")
        assert directory.stat().st_mode & 0o077 == 0
        _health(port, 40)
        for samples in _scraped(port):
            assert value(samples, REQUESTS, method="GET", route="/health", status="200") == 40
            assert value(samples, "moothall_workers") == 2
            assert value(samples, "moothall_database_connections_limit") == 60

        os.kill(pids[0], signal.SIGKILL)
        server.expect("startup complete")
        _health(port, 10)
        counts = [value(each, REQUESTS, method="GET", route="/health", status="200") for each in _scraped(port)]
        assert counts == [50] * SCRAPES
        latest = _scraped(port)[-1]
        assert value(latest, "moothall_workers") == 2
        assert value(latest, "moothall_database_connections_limit") == 60
        assert not list(directory.glob(f"gauge_live*_{pids[0]}.db"))
        cpu = [value(each, "process_cpu_seconds_total") for each in _scraped(port)]
        assert cpu == sorted(cpu)
        server.end(signal.SIGTERM)
    assert list(tmp_path.glob("moothall-metrics-*")) == []


def test_one_worker_needs_no_files(
    moothall: Moothall, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with started("serve", "--port", str(port)) as server:
        server.expect(READY)  # it listens behind "startup complete"
        _health(port, 3)
        time.sleep(0.2)
        assert total(_scraped(port)[-1], REQUESTS, route="/health") == 3
        assert list(tmp_path.glob("moothall-metrics-*")) == []
        server.end(signal.SIGTERM)

"""The supervisor of several workers."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from uvicorn import Config

from entrypoints.http.supervision import WatchedProcess


def test_a_worker_that_is_killed_before_it_answers_is_noticed_at_once() -> None:
    """Else the supervisor would wait for its answer, and meanwhile replace nobody and hear no signal."""
    worker = WatchedProcess(Config("nowhere:app"), [])
    worker.start()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(worker.ping, 30)
        time.sleep(0.2)  # until it is asked
        os.kill(worker.pid, signal.SIGKILL)
        assert answer.result(timeout=10) is False
    worker.join()

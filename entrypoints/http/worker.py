"""One of several workers of `moothall serve`."""

import logging
import os
import signal
import sys
import threading
import time

from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from entrypoints.http.app import create_app
from entrypoints.wrong_settings import SettingsError

log = logging.getLogger("moothall.http")

LOOKS_EVERY = 1.0
"""Seconds."""


def create_app_of_a_worker() -> FastAPI:
    """The application of settings that each worker reads itself. One whose supervisor was killed ends, too: nobody
    would replace or stop it."""
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()
    try:
        return create_app()
    except SettingsError as error:
        for problem in error.problems:
            log.error("%s", problem)  # noqa: TRY400 - the sentence says it all
        sys.exit(STARTUP_FAILURE)


def _end_without(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(LOOKS_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)

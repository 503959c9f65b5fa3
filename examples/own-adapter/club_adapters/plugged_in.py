"""Moothall with our adapters in the place of its own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from application.app import Application
from application.blobs import BlobStore
from application.mail import Mailer
from club_adapters.mbox import MboxMailer
from club_adapters.sqlite_blobs import SqliteBlobs
from entrypoints.bootstrap import open_application
from entrypoints.http.app import create_app
from entrypoints.settings import Settings, load


def app() -> FastAPI:
    """For `uvicorn --factory club_adapters.plugged_in:app`. Settings come from the environment, as they always do."""
    settings = load()
    return club_app(settings, settings.data_dir)


def club_app(settings: Settings, folder: Path, **more: Any) -> FastAPI:
    return create_app(settings, around=instead_of_ours(settings, folder), **more)


def open_club(settings: Settings, folder: Path, **more: Any) -> AbstractAsyncContextManager[Application]:
    """The whole product without HTTP, for a script or a job."""
    return open_application(settings, around=instead_of_ours(settings, folder), **more)


def instead_of_ours(settings: Settings, folder: Path) -> Callable[[Any, Any], Any]:
    """What is asked for each port, by its type, when the product is put together."""
    own = {
        Mailer: MboxMailer(folder / "club.mbox", sender=settings.mail_sender),
        BlobStore: SqliteBlobs(folder / "files.db"),
    }
    return lambda port, ours: own.get(port, ours)

"""Saving and restoring, as the commands have it done."""

from pathlib import Path
from typing import Any

from adapters.sql import Database, create_engine
from application.backups import BackupView
from entrypoints.bootstrap import open_backups
from entrypoints.settings import Settings
from tests.backups.club import everything
from tests.entrypoints.http.client import OPERATOR

Rows = dict[str, list[tuple[Any, ...]]]


def in_silence(what: str, count: int) -> None:
    """Nobody wants to know how far it is."""


def no_passphrase() -> str:
    raise AssertionError("It is not encrypted.")


async def saved(settings: Settings, file: Path, **how: Any) -> BackupView:
    options = {"passphrase": None, "with_files": True, "tell": in_silence, **how}
    async with open_backups(settings) as backups:
        return await backups.save(file, **options)


async def restored(settings: Settings, file: Path, **how: Any) -> BackupView:
    options = {
        "actor": OPERATOR,
        "ask_passphrase": no_passphrase,
        "with_another_secret": False,
        "with_files": True,
        "tell": in_silence,
        **how,
    }
    async with open_backups(settings) as backups:
        return await backups.restore(file, **options)


async def rows_of(settings: Settings) -> Rows:
    engine = create_engine(Database(settings.database))
    try:
        return await everything(engine)
    finally:
        await engine.dispose()

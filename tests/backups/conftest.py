"""A club that was founded once on SQLite, moved to PostgreSQL, and back again."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.backups import BackupView
from entrypoints.settings import Settings
from tests.backups.club import Club, founded, served, settings_at
from tests.backups.moves import Rows, restored, rows_of, saved
from tests.services import empty_postgres_url


@dataclass(frozen=True)
class Stop:
    """One installation on the way: what was in it when it was reached, and the backup that was made of it then."""

    settings: Settings
    rows: Rows
    backup: Path
    view: BackupView


@dataclass(frozen=True)
class Journey:
    """What is at the origin is nobody's to change."""

    club: Club
    origin: Stop
    on_postgresql: Stop
    back_on_sqlite: Stop


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return asyncio.run(_travelled(tmp_path_factory.mktemp("journey")))


async def _travelled(folder: Path) -> Journey:
    settings = settings_at(folder / "origin", None)
    async with served(settings) as api:
        club = await founded(api)
    origin = await _stop(settings, folder / "origin.backup")
    there = await _moved(origin, settings_at(folder / "postgresql", empty_postgres_url()))
    back = await _moved(there, settings_at(folder / "sqlite", None))
    return Journey(club, origin, there, back)


async def _moved(stop: Stop, settings: Settings) -> Stop:
    await restored(settings, stop.backup)
    return await _stop(settings, stop.backup.with_suffix(f".{settings.data_dir.name}"))


async def _stop(settings: Settings, backup: Path) -> Stop:
    rows = await rows_of(settings)
    return Stop(settings, rows, backup, await saved(settings, backup))

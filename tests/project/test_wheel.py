"""The wheel holds what runs, under our own names, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.project.places import REPOSITORY

HOMES = {"domain": ".", "application": ".", "adapters": ".", "entrypoints": ".", "moothall": "tests/kit"}
"""Where each package lies in the repository."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.iterdir()
    with ZipFile(path) as opened:
        yield opened


def test_the_top_level_is_ours(wheel: ZipFile) -> None:
    top = {name.partition("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == set(HOMES)


def test_every_module_is_in_it(wheel: ZipFile) -> None:
    here = {
        path.relative_to(REPOSITORY / home).as_posix()
        for package, home in HOMES.items()
        for path in (REPOSITORY / home / package).rglob("*.py")
    }
    assert "moothall/__init__.py" in here
    assert here - set(wheel.namelist()) == set()


def test_the_migrations_travel_inside_the_sql_adapter(wheel: ZipFile) -> None:
    migrations = {path.relative_to(REPOSITORY / "migrations").as_posix() for path in _files(REPOSITORY / "migrations")}
    assert migrations
    assert {name.removeprefix("adapters/sql/migrations/") for name in wheel.namelist()} >= migrations


def test_the_documentation_pages_are_in_it(wheel: ZipFile) -> None:
    static = REPOSITORY / "entrypoints" / "http" / "static"
    assert {path.relative_to(REPOSITORY).as_posix() for path in static.iterdir()} - set(wheel.namelist()) == set()


def test_nothing_that_was_not_written_by_hand_or_vendored_slips_in(wheel: ZipFile) -> None:
    stray = [name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".db", ".key", ".env"))]
    assert stray == []


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)

"""Environments of their own, into which Moothall is installed as people install it."""

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project.places import REPOSITORY

WITHIN = 180
BUILD = (sys.executable, "-m", "hatchling", "build")


@dataclass(frozen=True)
class Installed:
    """An environment, and nothing of the repository or of the caller's beside it."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def pip(self, *words: str | Path) -> None:
        """Not compiled: most of it is never imported."""
        command = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "--disable-pip-version-check"]
        run(
            [*command, words[0], *(["--quiet", "--no-compile"] if words[0] == "install" else []), *words[1:]],
            os.environ,
        )

    def environment(self, extra: Mapping[str, str] = {}) -> dict[str, str]:
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", **extra}

    def run(self, *words: str, cwd: Path, env: Mapping[str, str] = {}, typed: str = "") -> str:
        return run([str(self.bin / words[0]), *words[1:]], self.environment(env), cwd=cwd, typed=typed)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that is made by one of the processes that run the tests, for all of them."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    folder.mkdir(exist_ok=True)
    with (folder / ".made").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        if not made.read():
            make(folder)
            made.write("made")
    return folder


def new_environment(folder: Path) -> Installed:
    """As `python -m venv` makes one, and emptier: the caller's pip installs into it."""
    venv.create(folder, symlinks=True)
    return Installed(folder)


def build(target: str, folder: Path, source: Path = REPOSITORY) -> Path:
    """Build the wheel or the sdist of what lies there."""
    run([*BUILD, "--target", target, "--directory", str(folder)], os.environ, cwd=source)
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def run(command: Sequence[str | Path], env: Mapping[str, str], *, cwd: Path | None = None, typed: str = "") -> str:
    """What a command that has to succeed prints."""
    ran = subprocess.run(
        [str(word) for word in command],
        env=env,
        cwd=cwd,
        input=typed,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout

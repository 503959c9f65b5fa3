"""Where things lie at run time, and the separate virtual environment of the peers from PyPI."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .servers import run

REPOSITORY = Path(__file__).resolve().parents[2]
BENCH = REPOSITORY / ".bench"  # ignored by git
PEERS = Path(__file__).with_name("peers")

PEERS_LOCK = REPOSITORY / "requirements-bench.lock"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The files of one run."""

    directory: Path

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def requests(self, name: str) -> Path:
        return self.directory / f"{name}.requests"

    def folder(self, name: str) -> Path:
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def program(name: str) -> Path:
    """A program of the environment that runs the benchmark."""
    return Path(sys.executable).with_name(name)


def peer_program(name: str, workspace: Workspace) -> Path:
    """A program of the peers' environment, which is created (over the network, once) when it is not there.

    fastapi-users wants another SQLAlchemy than Moothall does, so it cannot live in our own environment. What both use
    is locked to our own version: a figure compares the servers, not the releases below them.
    """
    environment = BENCH / "venv"
    stamp = environment / "installed.lock"
    wanted = PEERS_LOCK.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        log = workspace.log("peer-environment")
        run([sys.executable, "-m", "venv", "--clear", environment], log=log, cwd=BENCH, limit=120)
        install = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*install, "--require-hashes", "-r", PEERS_LOCK], log=log, cwd=BENCH, limit=300)
        stamp.write_text(wanted)
    return environment / "bin" / name

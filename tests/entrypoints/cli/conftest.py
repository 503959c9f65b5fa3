"""A folder and an environment of its own for each test."""

import os
import socket
from pathlib import Path

import pytest

from tests.entrypoints.cli.command import Moothall


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; no setting comes from outside."""
    for name in [name for name in os.environ if name.startswith("MOOTHALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOOTHALL_BCRYPT_COST", "4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def moothall(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> Moothall:
    return Moothall(monkeypatch, capsys, home)


@pytest.fixture
def port() -> int:
    """A free one, for a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number

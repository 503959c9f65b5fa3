"""Where things are, and how a test runs Moothall's own command."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

MOOTHALL = (sys.executable, "-c", "from entrypoints.cli.main import run; run()")
"""The `moothall` command of the environment that runs the tests, whether or not it is on the PATH."""


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """The caller's environment without Moothall's settings, so that a shell's leftovers change no test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOOTHALL_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **extra}


def run_moothall(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MOOTHALL, *words], cwd=cwd, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )

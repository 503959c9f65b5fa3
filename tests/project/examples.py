"""The projects in `examples/`, in folders of their own, and their tests."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.project.places import REPOSITORY, environment

EXAMPLES = REPOSITORY / "examples"


def copied(name: str, folder: Path) -> Path:
    """Of what was made by running it there is nothing in the copy."""
    made = shutil.ignore_patterns("__pycache__", ".*_cache", "node_modules")
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=made))


def run_pytest(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )

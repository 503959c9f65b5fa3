"""The example of a front-end's tests, with Playwright: installed, type-checked and run as its README says."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM
from tests.project.places import MOOTHALL, REPOSITORY, environment
from tests.project.server import free_port

pytestmark = pytest.mark.browser

INSTALL = ["npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]


def test_the_tests_of_a_front_end_pass(tmp_path: Path) -> None:
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None or not shutil.which("npm"):
        pytest.fail("There is no Chromium, or no Node with npm.", pytrace=False)
    folder = tmp_path / "front-end"
    shutil.copytree(REPOSITORY / "examples" / "test-with-playwright", folder)
    subprocess.run(INSTALL, cwd=folder, check=True, timeout=300)
    types = subprocess.run(["npx", "tsc", "--noEmit"], cwd=folder, capture_output=True, text=True, check=False)
    assert types.returncode == 0, types.stdout
    settings = {"PORT": str(free_port()), "CHROMIUM": chromium, "MOOTHALL": shlex.join(MOOTHALL), "NO_COLOR": "1"}
    without_proxies = {name: value for name, value in environment().items() if not name.lower().endswith("_proxy")}
    ran = subprocess.run(
        ["npx", "playwright", "test", "--reporter=list"],
        cwd=folder,
        env={**without_proxies, **settings, "CI": os.environ.get("CI", "")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\s*4 passed", ran.stdout, re.MULTILINE), ran.stdout

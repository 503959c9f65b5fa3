"""What docs/live.md shows for browsers and for Node is run as it stands, against a real server."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.project.club import Club, club_at
from tests.project.snippets import WITHIN, Speaker, a_lobby, running, snippet

pytestmark = pytest.mark.browser

PACKAGE = {"private": True, "dependencies": {"ws": "8.23.0"}}


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with club_at(tmp_path) as club:
        yield club


@pytest.fixture
def speaker(club: Club) -> Iterator[Speaker]:
    with a_lobby(club) as speaker:
        yield speaker


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `ws` is installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("There is no Node to run the program with. Install it, with npm.", pytrace=False)
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    install = ["npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(install, cwd=folder, check=True, timeout=300)
    return folder


def test_the_console_of_a_browser(club: Club, speaker: Speaker, browser: Browser) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.goto(f"{club.server.url}/live-demo")
    console = context.new_cdp_session(page)
    program = {"expression": snippet("In a browser", "js", club), "awaitPromise": True, "replMode": True}
    assert "exceptionDetails" not in console.send("Runtime.evaluate", program)
    speaker.sees_ada()
    with page.expect_console_message(lambda message: message.text == "bob Hello", timeout=WITHIN * 1000):
        speaker.says("Hello")
    context.close()


def test_a_program_in_node(club: Club, speaker: Speaker, project: Path) -> None:
    program = project / "live.mjs"
    program.write_text(snippet("In Node", "js", club))
    token = club.sign_in("ada")
    with running(["node", program.name], project, {"ACCESS": token}) as node:
        speaker.sees_ada()
        speaker.says("Hello")
        node.until("text: 'Hello'")
        club.ask("POST", "/auth/logout", token=token)
        node.until("closed 4401")

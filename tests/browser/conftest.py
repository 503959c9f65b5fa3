"""A real server and a real browser, which can reach nothing but that server."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.project.server import Server, serving

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PUBLIC_NAME = "moothall.example"
"""What the pages are opened under. Swagger UI asks its makers' validator about pages that are not on localhost."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {PUBLIC_NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Visit:
    """An open page, and what happened on it."""

    page: Page
    server: Server
    requested: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        """Whom the page asked for something; what it made itself (`data:`, `blob:`) has no host."""
        return {host for url in self.requested if (host := urlsplit(url).hostname)}

    def open(self, path: str) -> None:
        self.page.goto(f"http://{PUBLIC_NAME}:{self.server.port}{path}", wait_until="networkidle")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.fail("There is no Chromium to open the pages with. Install it: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    context = browser.new_context(service_workers="block")
    visit = Visit(context.new_page(), server)
    visit.page.on("request", lambda request: visit.requested.append(request.url))
    visit.page.on("requestfailed", lambda request: visit.problems.append(f"{request.url}: {request.failure}"))
    visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))
    visit.page.on("console", lambda message: visit.problems.append(message.text) if message.type == "error" else None)
    yield visit
    context.close()

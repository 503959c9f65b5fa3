"""Members with browsers of their own on the page for the live channel."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from tests.project.club import PASSWORD, Club
from tests.project.server import HOST

WITHIN = 60_000
"""Milliseconds in which what is waited for has to come; nothing is about how fast."""
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What Chromium writes into its console about such an answer; nothing is wrong with the page."""


@dataclass
class Visitor:
    """Somebody on the page, and what happened there."""

    context: BrowserContext
    page: Page
    requested: list[str] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, browser: Browser) -> "Visitor":
        context = browser.new_context(service_workers="block", locale="en-GB")
        visitor = cls(context, context.new_page())
        visitor._watch()
        return visitor

    def _watch(self) -> None:
        page, requested, problems = self.page, self.requested, self.problems
        page.on("request", lambda request: requested.append(request.url))
        page.on("websocket", self._watch_socket)
        page.on("requestfailed", lambda request: problems.append(f"{request.url}: {request.failure}"))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type in ("error", "warning") else None,
        )

    def _watch_socket(self, socket: WebSocket) -> None:
        self.requested.append(socket.url)
        socket.on("framesent", lambda text: self.sent.append(json.loads(text)))

    @property
    def sockets(self) -> int:
        return sum(url.startswith("ws:") for url in self.requested)

    def leave(self, *, after: re.Pattern[str] = REFUSED) -> None:
        """With nothing to complain of but what this pattern allows, and nothing left behind; the second time does
        nothing."""
        if self.page.is_closed():
            return
        assert [problem for problem in self.problems if not after.search(problem)] == []
        assert {urlsplit(url).hostname for url in self.requested if not url.startswith("data:")} == {HOST}
        assert self.context.cookies() == []
        assert self.page.evaluate("localStorage.length + sessionStorage.length") == 0
        self.context.close()

    def press(self, name: str, *, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def open(self, club: Club) -> None:
        self.page.goto(f"{club.server.url}/live-demo")

    def register(self, club: Club, name: str) -> None:
        self.open(club)
        self.page.get_by_text("Become a member").click()
        self.page.get_by_label("E-mail address", exact=True).fill(f"{name}@example.com")
        self.page.get_by_label("New username").fill(name)
        self.page.get_by_label("New password").fill(PASSWORD)
        self.press("Register")
        self.is_connected()

    def sign_in(self, club: Club, login: str) -> None:
        self.open(club)
        self.page.get_by_label("Username or e-mail address").fill(login)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.press("Sign in")
        self.is_connected()

    def state(self, text: str) -> None:
        expect(self.page.get_by_role("status").first).to_have_text(re.compile(text), timeout=WITHIN)

    def is_connected(self) -> None:
        self.state("^Connected")

    def is_told(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_have_text(re.compile(text), timeout=WITHIN)

    def unread(self, number: int) -> None:
        expect(self.page.get_by_label("Unread notifications")).to_have_text(str(number), timeout=WITHIN)

    def notified(self, *titles: str) -> None:
        shown = self.page.get_by_role("log", name="Notifications").locator(".who")
        expect(shown).to_have_text(titles, timeout=WITHIN)

    def room(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def join(self, room: str) -> None:
        self.press("List again")
        self.press(f"Join {room}")
        self.here(room, including=[])

    def here(self, room: str, *people: str, including: list[str] | None = None) -> None:
        """Exactly these, or these among others."""
        told = self.room(room).locator(".here")
        if including is None:
            expect(told).to_have_text(f"Here ({len(people)}): {', '.join(sorted(people))}", timeout=WITHIN)
        else:
            names = "".join(rf"(?=.*\b{name}\b)" for name in including)
            expect(told).to_have_text(re.compile(rf"^{names}Here \(\d+\)"), timeout=WITHIN)

    def say(self, room: str, text: str) -> None:
        """The box is emptied once it was said."""
        box = self.room(room).get_by_label("Say something")
        box.fill(text)
        box.press("Enter")
        expect(box).to_have_value("", timeout=WITHIN)

    def heard(self, room: str, *texts: str) -> None:
        """Exactly these, in this order, since the beginning."""
        said = self.room(room).get_by_role("log").locator(".text")
        expect(said).to_have_text(texts, timeout=WITHIN)


Come = Callable[[], Visitor]

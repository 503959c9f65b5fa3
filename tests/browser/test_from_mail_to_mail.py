"""A member's way through the mails, from a real mail server to the pages: registered, confirmed, forgotten, invited."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, expect

from tests.mailbox import COMES_WITHIN, link_to, mails
from tests.project.server import HOST, Server, serving
from tests.smtp_server import RunningServer, smtp_server

pytestmark = pytest.mark.browser

PASSWORD = "violet-anchor-42-lamp"
ANOTHER_PASSWORD = "amber-harbour-17-kite"
ADA, BOB = "ada@example.com", "bob@example.com"
SENT = {
    (ADA, "Welcome to Moothall: please confirm your address"),
    (ADA, "Choose a new password for Moothall"),
    (ADA, "Your Moothall password was changed"),
    (BOB, "You are invited to Moothall"),
}
"""What has to come; a mail more that tells of it is welcome."""


@dataclass
class Newcomer:
    """Somebody whose browser runs no scripts, and who has a mailbox."""

    page: Page
    server: Server
    mailbox: RunningServer

    def see(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def follow_link(self, path: str, *, to: str) -> None:
        """The link that came, as text and as HTML have it."""
        link = link_to(self.mailbox.directory, path, to=to)
        [mail] = [mail for mail in mails(self.mailbox.directory, to=to) if link in mail.links]
        assert f'href="{link}"' in unescape(mail.html)
        assert link.startswith(f"{self.server.url}{path}?token=")
        self.page.goto(link)

    def all_came(self, expected: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Recipient and subject of all that has come, once these have."""
        limit = time.monotonic() + COMES_WITHIN
        while not expected <= set(came := [(mail.to, mail.subject) for mail in mails(self.mailbox.directory)]):
            assert time.monotonic() < limit, came
            time.sleep(0.1)
        return came

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def register(self, email: str) -> APIResponse:
        body = json.dumps({"email": email, "password": PASSWORD})
        url, headers = f"{self.server.url}/api/v1/auth/register", {"Content-Type": "application/json"}
        return self.page.request.post(url, headers=headers, data=body)

    def log_in(self, email: str, password: str) -> APIResponse:
        form: dict[str, str | float | bool] = {"username": email, "password": password}
        return self.page.request.post(f"{self.server.url}/api/v1/auth/login", form=form)


@pytest.fixture
def newcomer(browser: Browser, tmp_path: Path) -> Iterator[Newcomer]:
    context = browser.new_context(service_workers="block", java_script_enabled=False, locale="en-GB")
    with smtp_server(tmp_path / "mailbox") as mailbox:
        settings = {"MOOTHALL_SMTP_URL": mailbox.url, "MOOTHALL_REQUIRE_VERIFIED_EMAIL": "true"}
        with serving(tmp_path, env=settings) as server:
            yield Newcomer(context.new_page(), server, mailbox)
    context.close()


def test_from_registering_to_an_invitation_by_mail(newcomer: Newcomer) -> None:
    page = newcomer.page
    hosts = set[str]()
    page.on("request", lambda request: hosts.add(request.url.removeprefix("http://").partition(":")[0]))

    assert newcomer.register(ADA).status == 201
    refused = newcomer.log_in(ADA, PASSWORD)
    assert (refused.status, refused.json()["code"]) == (403, "email-unverified")

    newcomer.follow_link("/verify-email", to=ADA)
    newcomer.see("Confirm your e-mail address")
    assert newcomer.log_in(ADA, PASSWORD).status == 403  # to open the page confirms nothing: mail scanners do that
    newcomer.press("Confirm the address")
    newcomer.see("The address is confirmed")
    assert newcomer.log_in(ADA, PASSWORD).status == 200

    page.goto(f"{newcomer.server.url}/reset-password")
    page.get_by_label("E-mail address").fill(ADA)
    newcomer.press("Send the link")
    newcomer.see("Look into your mailbox")
    newcomer.follow_link("/reset-password", to=ADA)
    page.get_by_label("New password").fill(ANOTHER_PASSWORD)
    newcomer.press("Set the password")
    newcomer.see("Your new password is set")
    refused = newcomer.log_in(ADA, PASSWORD)
    assert (refused.status, refused.json()["code"]) == (401, "bad-credentials")
    assert newcomer.log_in(ADA, ANOTHER_PASSWORD).status == 200

    newcomer.server.moothall("users", "invite", "--email", BOB)
    newcomer.follow_link("/accept-invitation", to=BOB)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("First name").fill("Bob")
    newcomer.press("Accept the invitation")
    newcomer.see("Welcome")
    assert newcomer.log_in(BOB, PASSWORD).status == 200

    assert hosts == {HOST}
    came = newcomer.all_came(SENT)
    assert len(set(came)) == len(came)

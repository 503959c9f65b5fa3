"""The pages that the links in mails open, as people use them: without scripts, by keyboard, on small screens."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PUBLIC_NAME, Visit
from tests.mailbox import inside, link_to
from tests.project.server import Server

pytestmark = pytest.mark.browser

PASSWORD = "violet-anchor-42-lamp"
ANOTHER_PASSWORD = "amber-harbour-17-kite"
NARROW = {"width": 320, "height": 568}
PATHS = ["/verify-email", "/reset-password", "/accept-invitation"]
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What Chromium writes into its console about a page with such a status; nothing is wrong with the page."""
CONTRAST_OF_TEXT, CONTRAST_OF_BORDERS = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 and 1.4.11."""


@dataclass
class Reader(Visit):
    """Somebody whose browser runs no scripts."""

    def see(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def post(self, path: str, **fields: str) -> int:
        """By HTTP, from elsewhere."""
        url = f"{self.server.url}/api/v1{path}"
        body = {"form": fields} if path == "/auth/login" else {"data": json.dumps(fields)}
        answer = self.page.request.post(
            url, headers={} if "form" in body else {"Content-Type": "application/json"}, **body
        )
        return answer.status

    def can_log_in(self, email: str, password: str) -> bool:
        return self.post("/auth/login", username=email, password=password) == 200

    def mailed(self, page: str, email: str, *, number: int = 1) -> str:
        """The link in the mail, for the name under which the browser knows the server."""
        return inside(link_to(mails_of(self.server), page, to=email, number=number))

    @property
    def complaints(self) -> list[str]:
        return [problem for problem in self.problems if not REFUSED.match(problem)]


def mails_of(server: Server) -> Path:
    return server.folder / "data" / "mails"


@pytest.fixture
def reader(browser: Browser, server: Server) -> Iterator[Reader]:
    context = browser.new_context(service_workers="block", java_script_enabled=False, locale="en-GB")
    reader = Reader(context.new_page(), server)
    watch(reader)
    yield reader
    assert reader.complaints == []
    assert reader.hosts <= {PUBLIC_NAME}
    assert context.cookies() == []
    context.close()


def watch(reader: Reader) -> None:
    reader.page.on("request", lambda request: reader.requested.append(request.url))
    reader.page.on("requestfailed", lambda request: reader.problems.append(f"{request.url}: {request.failure}"))
    reader.page.on("pageerror", lambda error: reader.problems.append(str(error)))
    reader.page.on(
        "console",
        lambda message: reader.problems.append(message.text) if message.type in ("error", "warning") else None,
    )


def test_from_registering_to_a_new_password(reader: Reader) -> None:
    email = "journey@example.com"
    page = reader.page
    assert reader.post("/auth/register", email=email, password=PASSWORD) == 201

    verify = reader.mailed("/verify-email", email)
    reader.open(verify)
    reader.see("Confirm your e-mail address")
    page.get_by_role("button", name="Confirm the address").click()
    reader.see("The address is confirmed")

    reader.open(verify)
    page.get_by_role("button", name="Confirm the address").click()
    reader.see("This link does not work")
    expect(page).to_have_title("Error: This link does not work – Moothall")
    expect(page.get_by_label("E-mail address")).to_be_visible()

    reader.open("/reset-password")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    reader.see("Look into your mailbox")

    reader.open(reader.mailed("/reset-password", email))
    field = page.get_by_label("New password")
    expect(field).to_have_accessible_description(re.compile(r"^At least 12 characters\."))
    field.fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page).to_have_title("Error: Choose a new password – Moothall")
    expect(page.get_by_role("alert")).to_have_text(re.compile("it needs 12 at least"))
    expect(field).to_have_accessible_description(re.compile(r"At least 12 characters.*it needs 12 at least", re.DOTALL))
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("")
    field.fill(ANOTHER_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    reader.see("Your new password is set")

    assert reader.can_log_in(email, ANOTHER_PASSWORD)
    assert not reader.can_log_in(email, PASSWORD)


def test_the_keyboard_is_enough(reader: Reader) -> None:
    email = "keyboard@example.com"
    page = reader.page
    assert reader.post("/auth/register", email=email, password=PASSWORD) == 201

    reader.open(reader.mailed("/verify-email", email))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Confirm the address")).to_be_focused()
    page.keyboard.press("Enter")
    reader.see("The address is confirmed")

    reader.open("/reset-password")
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("nowhere")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(re.compile("Enter a whole e-mail address"))
    expect(page.get_by_label("E-mail address")).to_be_focused()  # the field that is wrong
    page.keyboard.press("Control+a")
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send the link")).to_be_focused()
    page.keyboard.press("Space")
    reader.see("Look into your mailbox")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ask again")).to_be_focused()

    reader.open(reader.mailed("/reset-password", email))
    page.keyboard.press("Tab")
    expect(page.get_by_label("New password")).to_be_focused()
    page.keyboard.type(ANOTHER_PASSWORD)
    page.keyboard.press("Enter")
    reader.see("Your new password is set")
    assert reader.can_log_in(email, ANOTHER_PASSWORD)


def test_what_can_be_typed_into_an_invitation_has_a_label(reader: Reader) -> None:
    page = reader.page
    reader.open("/accept-invitation?token=x")
    for label, purpose in (
        ("Password", "new-password"),
        ("Username (optional)", "username"),
        ("First name (optional)", "given-name"),
        ("Last name (optional)", "family-name"),
    ):
        expect(page.get_by_label(label, exact=True)).to_have_attribute("autocomplete", purpose)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("First name").fill('"><script>alert(1)</script>')
    page.get_by_role("button", name="Accept the invitation").click()
    reader.see("This link does not work")
    page.get_by_role("link", name="Choose a new password").click()
    reader.see("Choose a new password")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_the_pages_fit_a_small_screen_and_can_be_read_by_day_and_by_night(
    browser: Browser, server: Server, colours: str, language: str
) -> None:
    context = browser.new_context(viewport=NARROW, color_scheme=colours, locale=language)  # type: ignore[arg-type]
    reader = Reader(context.new_page(), server)
    watch(reader)
    page = reader.page
    for path in PATHS:
        for query in ("", "?token=" + "x" * 500):
            reader.open(path + query)
            fits_and_can_be_read(page, dark=colours == "dark")
            button = page.get_by_role("button")
            if button.count():
                button.click()
                fits_and_can_be_read(page, dark=colours == "dark")
    assert reader.complaints == []
    assert reader.hosts == {PUBLIC_NAME}
    context.close()


def fits_and_can_be_read(page: Page, *, dark: bool) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    colours = page.evaluate(COLOURS)
    assert colours
    for name, text, ground, border in colours:
        assert contrast(text, ground) >= CONTRAST_OF_TEXT, (name, text, ground)
        if border:
            assert contrast(border, ground) >= CONTRAST_OF_BORDERS, (name, border, ground)
    assert (luminance(colours[0][2]) < 0.5) == dark
    for control in page.get_by_role("button").or_(page.get_by_role("textbox")).all():
        control.focus()
        outline = control.evaluate("it => getComputedStyle(it).outlineStyle + getComputedStyle(it).outlineWidth")
        assert outline == "solid3px"
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44


COLOURS = """() => [...document.querySelectorAll('h1, p, label, span, a, button, input:not([type=hidden])')].map(it => {
    let ground = it
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement
    const style = getComputedStyle(it)
    const border = it.localName === 'input' ? style.borderTopColor : ''
    return [it.localName, style.color, getComputedStyle(ground).backgroundColor, border]
})"""


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(…)`, as WCAG 2.2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)

"""Swagger UI and ReDoc show the API, from our own files alone."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import PUBLIC_NAME, Visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_page_shows_the_operations_and_asks_nobody_else(visit: Visit, path: str) -> None:
    visit.open(path)
    expect(visit.page.get_by_text("/auth/register").first).to_be_visible(timeout=20_000)
    visit.page.wait_for_timeout(500)  # for what a page loads late
    assert visit.problems == []
    assert visit.hosts == {PUBLIC_NAME}


def test_a_request_can_be_tried_out(visit: Visit) -> None:
    visit.open("/docs")
    try_out(visit.page.locator(".opblock", has_text="/health").first)
    assert visit.problems == []


def test_signing_in_on_the_page_authorises_its_requests(visit: Visit) -> None:
    page = visit.page
    ada = {"email": "ada@example.com", "password": "violet-anchor-42-lamp"}
    made = page.request.post(f"{visit.server.url}/api/v1/auth/register", data=ada)
    assert made.ok, made.text()
    visit.open("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.get_by_label("username:").fill(ada["email"])
    dialog.get_by_label("password:").fill(ada["password"])
    dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()  # the other one is for API keys
    expect(dialog.get_by_role("heading", name="Authorized", exact=True)).to_be_visible()
    dialog.locator(".btn-done").first.click()
    try_out(page.locator(".opblock-get", has_text="/users/me").first)
    assert visit.problems == []
    assert visit.hosts == {PUBLIC_NAME}


def try_out(operation: Locator) -> None:
    """Send the request as the page would, and see that it worked."""
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_have_text(re.compile("^200"))

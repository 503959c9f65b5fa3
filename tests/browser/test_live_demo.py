"""The page to try the live channel with: members with a browser each talk, are told, and come back after an outage."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.live_demo import WITHIN, Come, Visitor
from tests.drills.servers import workers_of
from tests.project.club import PASSWORD, ROOT, Club, club_at
from tests.services import empty_redis_url
from tests.stores import POSTGRESQL, database_url

pytestmark = pytest.mark.browser

NO_ANSWER = re.compile(r"net::ERR_|WebSocket connection to .* failed")
"""What Chromium tells of a server that is away."""


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with club_at(tmp_path) as club:
        yield club


@pytest.fixture
def come(browser: Browser) -> Iterator[Come]:
    """Somebody new, with a browser of their own, which asks nobody but the server and has nothing to complain of."""
    visitors: list[Visitor] = []

    def come() -> Visitor:
        visitors.append(Visitor.of(browser))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.leave()


def test_members_talk_in_a_room_and_see_each_other_come_and_go(club: Club, come: Come) -> None:
    root, ada, bob = come(), come(), come()
    root.sign_in(club, ROOT)
    root.page.get_by_text("Make a room").click()
    root.page.get_by_label("Name", exact=True).fill("lobby")
    root.page.get_by_label("Title").fill("The lobby")
    root.press("Make it")
    expect(root.page.get_by_role("button", name="Join lobby")).to_be_visible()

    ada.register(club, "ada")
    expect(ada.page.locator("#me")).to_have_text("ada")
    expect(ada.page.get_by_text("Make a room")).to_be_hidden()
    ada.join("lobby")
    ada.here("lobby", "ada")
    bob.register(club, "bob")
    bob.join("lobby")
    ada.here("lobby", "ada", "bob")
    bob.here("lobby", "ada", "bob")

    ada.say("lobby", "Grüße 👋\nzweite Zeile")
    bob.say("lobby", "hello")
    for each in (ada, bob):
        each.heard("lobby", "Grüße 👋\nzweite Zeile", "hello")

    bob.press("Leave")
    ada.here("lobby", "ada")
    expect(ada.room("lobby").get_by_text("bob left.")).to_be_visible()
    bob.join("lobby")
    bob.heard("lobby", "Grüße 👋\nzweite Zeile", "hello")
    ada.here("lobby", "ada", "bob")
    bob.press("Sign out")
    bob.state("^Nobody is signed in")
    ada.here("lobby", "ada")


def test_what_an_administrator_writes_comes_with_the_count(club: Club, come: Come) -> None:
    ada = come()
    ada.register(club, "ada")
    ada.unread(0)
    club.write_to("ada", "One")
    club.write_to("ada", "Two")
    ada.notified("One", "Two")
    ada.unread(2)
    ada.press("Mark all as read")
    ada.unread(0)


def test_whoever_has_a_job_sees_how_far_it_is(club: Club, come: Come) -> None:
    root = come()
    root.sign_in(club, ROOT)
    club.ask("POST", "/notifications/broadcast", title="Hi", body="All")
    jobs = root.page.get_by_role("list", name="Jobs")
    expect(jobs).to_have_text(re.compile("succeeded, 1 of 1"), timeout=WITHIN)


def test_what_members_write_is_text_and_never_html(club: Club, come: Come) -> None:
    nasty = "<img src=x onerror=\"document.title='gotcha'\"><script>document.title='gotcha'</script>&amp;"
    club.ask("POST", "/rooms", name="lobby", title=nasty)
    ada, bob = come(), come()
    ada.register(club, "ada")
    bob.register(club, "bob")
    club.ask("PATCH", "/users/me", token=club.sign_in("ada"), first_name="<b>Ada</b>")
    bob.join("lobby")
    ada.join("lobby")
    ada.say("lobby", nasty)
    bob.heard("lobby", nasty)
    club.write_to("bob", nasty)
    bob.notified(nasty)
    for each in (ada, bob):
        assert each.page.locator("img, main script, b").count() == 0
        assert each.page.title() == "The live channel, to try out – Moothall"
        each.page.set_viewport_size({"width": 320, "height": 568})
        assert each.page.evaluate("document.documentElement.scrollWidth") == 320


def test_what_is_refused_is_told(club: Club, come: Come) -> None:
    root, ada = come(), come()
    ada.open(club)
    ada.page.get_by_label("Username or e-mail address").fill("nobody")
    ada.page.get_by_label("Password", exact=True).fill("wrong")
    ada.press("Sign in")
    ada.is_told("password")
    root.sign_in(club, ROOT)
    root.page.get_by_text("Make a room").click()
    root.page.get_by_label("Name", exact=True).fill("No Room")
    root.page.get_by_label("Title").fill("None")
    root.press("Make it")
    root.is_told("small letters, digits and hyphens")


def test_a_right_that_was_taken_away_is_told_when_it_is_used(club: Club, come: Come) -> None:
    ada = come()
    user = club.ask("POST", "/users", email="ada@example.com", username="ada", password=PASSWORD)
    club.ask("PUT", f"/users/{user['id']}/roles", roles=["admin"])
    ada.sign_in(club, "ada")
    ada.page.get_by_text("Make a room").click()
    ada.page.get_by_label("Name", exact=True).fill("lobby")
    ada.page.get_by_label("Title").fill("The lobby")
    with ada.page.expect_websocket(timeout=WITHIN):
        club.ask("PUT", f"/users/{user['id']}/roles", roles=["member"])
    ada.is_connected()  # again, with what is left
    ada.press("Make it")
    ada.is_told("allow|permission|may")


def test_a_room_that_is_closed_is_told_to_be(club: Club, come: Come) -> None:
    club.make_room("lobby")
    ada = come()
    ada.register(club, "ada")
    ada.join("lobby")
    club.ask("DELETE", "/rooms/lobby")
    ada.is_told("^lobby: ")
    expect(ada.room("lobby")).to_have_count(0)


def test_when_the_session_ends_the_page_says_so_and_does_not_come_back(club: Club, come: Come) -> None:
    ada = come()
    ada.register(club, "ada")
    club.ask("DELETE", "/auth/sessions", token=club.sign_in("ada"))
    ada.state("^You were signed out")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    asked = len(ada.requested)
    ada.page.wait_for_timeout(3_000)  # longer than the first pause of one who would try again
    assert len(ada.requested) == asked
    ada.sign_in(club, "ada")


def test_a_token_that_is_over_is_renewed(club: Club, come: Come) -> None:
    ada = come()
    ada.register(club, "ada")
    ada.page.route("**/rooms?*", lambda route: route.fulfill(status=401, json={"detail": "It is over."}), times=1)
    with ada.page.expect_response("**/auth/refresh") as renewed:
        ada.press("List again")
    assert renewed.value.ok
    expect(ada.page.get_by_text("There is no room yet")).to_be_visible()


def test_after_an_outage_the_page_comes_back_and_shows_what_it_missed_once(tmp_path: Path, come: Come) -> None:
    ada, bob = come(), come()
    with club_at(tmp_path) as club:
        club.make_room("lobby")
        for each, name in ((ada, "ada"), (bob, "bob")):
            each.register(club, name)
            each.join("lobby")
        ada.say("lobby", "before")
        bob.heard("lobby", "before")
        club.write_to("ada", "Before")
        ada.notified("Before")
        ada.page.route("**/live/tickets", lambda route: route.abort())  # ada stays away until bob has spoken
    for each in (ada, bob):
        each.state("^Not connected: .* Trying again in")
    with club_at(tmp_path, port=club.server.port, is_new=False) as club:
        bob.is_connected()
        bob.say("lobby", "meanwhile")
        club.write_to("ada", "Meanwhile")
        ada.page.unroute("**/live/tickets")
        ada.is_connected()
        ada.heard("lobby", "before", "meanwhile")
        ada.notified("Before", "Meanwhile")
        ada.unread(2)
        ada.say("lobby", "after")
        for each in (ada, bob):
            each.heard("lobby", "before", "meanwhile", "after")
            assert each.sockets >= 2
            first, *later = [message for message in each.sent if message["type"] == "join"]
            assert "since" not in first
            assert all("since" in message for message in later)  # so that no more is told than was missed
        for each in (ada, bob):
            each.here("lobby", "ada", "bob")
        for each in (ada, bob):
            each.leave(after=NO_ANSWER)


@pytest.mark.parametrize("with_redis", [False, True])
def test_members_on_two_workers_talk_as_on_one(tmp_path: Path, come: Come, with_redis: bool) -> None:
    """Without Redis a worker finds what was said on the other in the database, and does not know who is there."""
    url = database_url(POSTGRESQL, tmp_path)
    assert url is not None
    env = {"MOOTHALL_DATABASE_URL": url, **({"MOOTHALL_REDIS_URL": empty_redis_url()} if with_redis else {})}
    with club_at(tmp_path, "--workers", "2", env=env) as club:
        club.make_room("lobby")
        one, other = workers_of(club.server)
        ada, bob = come(), come()
        with frozen(other):
            ada.register(club, "ada")
            ada.join("lobby")
        with frozen(one):
            bob.register(club, "bob")
            bob.join("lobby")
        assert all(serves_somebody(worker, club.server.port) for worker in (one, other))
        for number in range(5):
            ada.say("lobby", f"{number} from ada")
            bob.heard(
                "lobby", *(f"{n} from {name}" for n in range(number) for name in ("ada", "bob")), f"{number} from ada"
            )
            bob.say("lobby", f"{number} from bob")
        ada.heard("lobby", *(f"{n} from {name}" for n in range(5) for name in ("ada", "bob")))
        club.write_to("ada", "Hello")
        ada.notified("Hello")
        ada.unread(1)
        if with_redis:
            ada.here("lobby", "ada", "bob")
            bob.here("lobby", "ada", "bob")
            bob.press("Leave")
            ada.here("lobby", "ada")
        assert (ada.sockets, bob.sockets) == (1, 1)  # they have been on their workers all the time
        for each in (ada, bob):
            each.leave()


@contextmanager
def frozen(worker: int) -> Iterator[None]:
    """Whoever comes meanwhile is served by another one."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def serves_somebody(worker: int, port: int) -> bool:
    connections = psutil.Process(worker).net_connections("tcp")
    return any(each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in connections)

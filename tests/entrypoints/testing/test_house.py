"""What testers do with a service of their own."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from application.jobs.kinds import JobKind, Run
from application.mail import Mail, Text
from domain.access.actor import ANONYMOUS
from domain.errors import Conflict, NotFound
from entrypoints.background import working
from entrypoints.settings import Settings
from entrypoints.testing.house import CHEAPEST_HASH, GivenSettings, House, SentMail, for_tests, open_house
from tests.entrypoints.testing.conftest import OPERATOR, SETTINGS

PASSWORD = "copper-meadow-63-tide"


async def test_each_house_begins_empty() -> None:
    async with open_house(SETTINGS) as one, open_house(SETTINGS) as other:
        await one.make_user("ada@example.com")
        with pytest.raises(NotFound):
            await other.token_for("ada@example.com")


async def test_a_token_is_as_good_as_one_from_signing_in(house: House) -> None:
    user = await house.make_user("ada@example.com", username="ada", password=PASSWORD)
    for name in ("ada", "ada@example.com", "ADA@example.com", str(user.id)):
        pair = await house.token_for(name)
        caller = await house.application.identity.identify_caller(pair.access_token)
        assert caller.actor.user_id == user.id
        await house.application.identity.refresh(ANONYMOUS, refresh_token=pair.refresh_token)
    listed = await house.application.audit.list_entries(OPERATOR)
    assert sum(entry.action == "session.started" for entry in listed.items) == 4


async def test_who_cannot_sign_in_gets_no_token(house: House) -> None:
    with pytest.raises(NotFound):
        await house.token_for("nobody")
    await house.make_user("ada@example.com", username="ada", is_active=False)
    with pytest.raises(Conflict):
        await house.token_for("ada")


async def test_a_token_expires_by_the_testers_clock(house: House) -> None:
    await house.make_user("ada@example.com")
    pair = await house.token_for("ada@example.com")
    house.clock.advance(timedelta(minutes=16))
    again = await house.application.identity.refresh(ANONYMOUS, refresh_token=pair.refresh_token)
    house.clock.advance(timedelta(days=31))
    with pytest.raises(Exception, match="no longer"):
        await house.application.identity.refresh(ANONYMOUS, refresh_token=again.refresh_token)


async def test_mails_are_read_with_their_links(house: House) -> None:
    await house.application.identity.register(ANONYMOUS, email="ada@example.com", password=PASSWORD)
    await house.drain()
    (mail,) = house.mails()
    assert mail.to == "ada@example.com"
    (link,) = [link for link in mail.links if "/verify-email?token=" in link]
    assert link in mail.text
    token = link.partition("?token=")[2]
    await house.application.identity.verify_email(ANONYMOUS, token=token)


def test_links_are_told_as_they_stand_and_each_once() -> None:
    link = "https://club.example/reset-password?token=a&copy=b"
    mail = Mail("key", "ada@example.com", Text("Hi", f"Go to {link}\nor {link}", "<p>Hi</p>"), datetime.now(UTC))
    assert SentMail.of(mail).links == [link]


async def test_draining_waits_for_what_another_worker_has_in_hand(house: House) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work(run: Run) -> None:
        begun.set()
        await go_on.wait()
        done.append(run.job.id)

    runner = house.application.runner
    welcome = runner.kinds["mail-verify-email"]
    runner.kinds = {**runner.kinds, welcome.name: JobKind(welcome.name, work)}
    async with working(house.application):
        await house.application.identity.register(ANONYMOUS, email="ada@example.com", password=PASSWORD)
        await begun.wait()
        draining = asyncio.create_task(house.drain())
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert not draining.done()
        go_on.set()
        await draining
        assert len(done) == 1


async def test_hashes_are_cheap_unless_somebody_wants_them_dear() -> None:
    assert for_tests(GivenSettings()).bcrypt_cost == CHEAPEST_HASH
    assert for_tests(GivenSettings(bcrypt_cost=12)).bcrypt_cost == 12
    assert for_tests(GivenSettings(site_name="Club")).site_name == "Club"


def test_a_shells_leftovers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOTHALL_SITE_NAME", "Left over")
    assert Settings().site_name == "Left over"
    assert GivenSettings().site_name == "Moothall"

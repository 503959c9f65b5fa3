"""What was saved on one engine restores on the other, and back: rows, files, and what members do with them."""

import shutil
from pathlib import Path

import pytest

from adapters.sql.tables import metadata
from tests.backups.club import HOSTILE, PLAIN, served, settings_at
from tests.backups.conftest import Journey, Stop
from tests.entrypoints.http.client import OPERATOR, PASSWORD, Api, Tokens
from tests.entrypoints.http.importing import shown, users
from tests.entrypoints.http.scenario import thirty_steps

STOPS = ["on_postgresql", "back_on_sqlite"]


@pytest.fixture(params=STOPS)
def stop(request: pytest.FixtureRequest, journey: Journey) -> Stop:
    found: Stop = getattr(journey, request.param)
    return found


def test_the_club_has_something_in_every_table(journey: Journey) -> None:
    """Whoever adds a table adds something to `founded` that comes into it."""
    assert {name for name, rows in journey.origin.rows.items() if not rows} == set()
    assert journey.origin.rows.keys() == metadata.tables.keys()


def test_every_row_arrives_as_it_was(journey: Journey, stop: Stop) -> None:
    """And the trail has one entry more for each time."""
    origin, restores = dict(journey.origin.rows), 0
    found = dict(stop.rows)
    before, after = set(origin.pop("audit_entries")), set(found.pop("audit_entries"))
    assert found == origin
    assert before < after
    restores = [row for row in after - before if "database.restored" in row]
    assert len(restores) == len(after - before) == 1 + (stop is journey.back_on_sqlite)


def test_a_backup_says_how_much_is_in_it(journey: Journey, stop: Stop) -> None:
    assert stop.view.rows == {name: len(rows) for name, rows in stop.rows.items()}
    assert (stop.view.files, stop.view.engine) == (3, "postgresql" if stop is journey.on_postgresql else "sqlite")


async def test_life_goes_on(journey: Journey, stop: Stop) -> None:
    club = journey.club
    async with served(stop.settings) as api:
        api.clock.advance(seconds=1)
        assert (await api.me(club.grace)).json()["username"] == "grace"
        fresh = await api.refresh(club.grace.refresh_token)
        assert fresh.status_code == 200, fresh.text
        grace = await api.log_in("grace", PASSWORD)
        await api.log_in("imported@example.com", PLAIN)
        by_key = await api.call("GET", "/users?role=greeter", headers={"X-API-Key": club.key})
        assert by_key.json()["total"] == 1
        profile = (await api.call("GET", "/users/me/profile", as_=grace)).json()
        assert (await api.call("GET", profile["avatar_url"].partition("/api/v1")[2])).content == club.picture

        verification = await api.application.audit.verify(OPERATOR)
        assert verification.is_sound
        assert (verification.sealed > 0, verification.unsealed > 0) == (True, True)
        await api.application.audit.seal(OPERATOR)
        assert (await api.application.audit.verify(OPERATOR)).is_sound

        before = await _deliveries(api, club.root)
        await _finds_and_lists(api, club.root, grace)
        assert "last@example.com" in {mail.to for mail in await api.mails()}
        assert await _deliveries(api, club.root) > before
        assert "moved@example.com" in await users(api, club.root)
        waited = await shown(api, club.root, club.waiting_import)
        assert (waited["status"], waited["created"]) == ("succeeded", 1)


async def _deliveries(api: Api, root: Tokens) -> int:
    """To the webhook; each has a number behind the ones before."""
    [webhook] = (await api.call("GET", "/webhooks", as_=root)).json()["items"]
    total: int = (await api.call("GET", f"/webhooks/{webhook['id']}/deliveries", as_=root)).json()["total"]
    return total


async def _finds_and_lists(api: Api, root: Tokens, grace: Tokens) -> None:
    async def titles(query: str) -> list[str]:
        return [post["title"] for post in (await api.call("GET", f"/posts?{query}")).json()["items"]]

    assert await titles("q=danc") == ["On bees"]
    assert len(await titles("q=bee")) == 1 + len(HOSTILE)
    made = await api.call("POST", "/posts", as_=grace, json={"title": "On wasps", "content": "", "is_published": True})
    assert made.status_code == 201, made.text
    assert await titles("q=wasp") == ["On wasps"]
    assert len(await titles("")) == 2 + len(HOSTILE)
    for order in ("email", "-username", "created_at"):
        listed = (await api.call("GET", f"/users?role=member&sort={order}&page_size=100", as_=root)).json()
        assert listed["total"] == len(listed["items"]) == 5 + len(HOSTILE)
    again = await api.call(
        "POST",
        "/orders",
        as_=grace,
        json={"lines": [{"sku": "mug", "quantity": 1}]},
        headers={"Idempotency-Key": "key-of-an-order"},
    )
    assert again.headers["idempotency-replayed"] == "true"
    product = (await api.call("GET", "/products/mug", as_=root)).json()
    assert product["stock"] == 7


async def test_thirty_steps_answer_as_they_do_where_it_began(journey: Journey, tmp_path: Path) -> None:
    shutil.copytree(journey.origin.settings.data_dir, tmp_path, dirs_exist_ok=True)
    answered = []
    for settings in (settings_at(tmp_path, None), journey.on_postgresql.settings, journey.back_on_sqlite.settings):
        async with served(settings) as api:
            answered.append(await thirty_steps(api, await api.log_in("root", PASSWORD)))
    origin, there, back = answered
    assert there == origin
    assert back == origin

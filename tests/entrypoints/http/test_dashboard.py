"""The dashboard: the member, and what is new for them."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from adapters.memory import MemoryNotificationQueries
from domain.errors import Unavailable
from tests.entrypoints.http.client import OPERATOR, Api
from tests.services import postgres_url
from tests.stores import MEMORY, POSTGRESQL


async def _told(api: Api, user_id: str, count: int) -> None:
    for n in range(count):
        await api.application.notifications.send_notification(
            OPERATOR, user_id=UUID(user_id), title=f"Message {n}", body="Hello"
        )
        api.clock.advance(seconds=1)


async def test_it_shows_the_member_and_the_latest_of_what_is_unread(api: Api) -> None:
    user, tokens = await api.member("ada")
    await _told(api, user["id"], 7)
    listed = (await api.call("GET", "/notifications", as_=tokens)).json()["items"]
    await api.call("POST", f"/notifications/{listed[0]['id']}/read", as_=tokens)
    answer = await api.call("GET", "/users/me/dashboard", as_=tokens)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["user"] == (await api.me(tokens)).json()
    assert found["notifications"] == listed[1:6]
    assert (found["unread"], found["missing"]) == (6, {})
    assert answer.headers["cache-control"] == "no-store"


async def test_it_shows_the_latest_orders_of_the_member_alone(api: Api) -> None:
    await api.application.products.create_product(OPERATOR, sku="MUG", name="Mug", price=1250, currency="EUR")
    placed = {}
    for name in ("ada", "bob"):
        _, tokens = await api.member(name)
        placed[name] = []
        for _ in range(6):
            body = {"lines": [{"sku": "MUG", "quantity": 1}]}
            placed[name].insert(0, (await api.call("POST", "/orders", as_=tokens, json=body)).json())
            api.clock.advance(seconds=1)
        found = (await api.call("GET", "/users/me/dashboard", as_=tokens)).json()
        assert found["orders"] == placed[name][:5]


async def test_it_is_for_members(api: Api) -> None:
    assert (await api.call("GET", "/users/me/dashboard")).status_code == 401


@pytest.mark.parametrize("store_name", [MEMORY], indirect=True)
async def test_a_part_that_cannot_be_read_is_null_and_the_rest_is_there(api: Api) -> None:
    class Broken(MemoryNotificationQueries):
        async def count(self, user_id: UUID, unread: bool | None) -> int:
            raise Unavailable("database-unavailable", "Away.")

    _, tokens = await api.member("ada")
    queries = api.application.show_dashboard.notifications
    assert isinstance(queries, MemoryNotificationQueries)
    queries.__class__ = Broken
    answer = await api.call("GET", "/users/me/dashboard", as_=tokens)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["unread"], found["missing"]) == (None, {"unread": "database-unavailable"})
    assert (found["user"]["username"], found["notifications"]) == ("ada", [])


@pytest.mark.parametrize("store_name", [POSTGRESQL], indirect=True)
async def test_a_locked_table_costs_its_parts_and_no_connection(api: Api) -> None:
    """The two that read it wait at once, each on a connection of its own, and are cancelled on the server too."""
    _, tokens = await api.member("ada")
    other = await asyncpg.connect(postgres_url(), timeout=10)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(api.call("GET", "/users/me/dashboard", as_=tokens))
            most = 0
            while not asked.done():
                most = max(most, await _waiting(other))
                await asyncio.sleep(0.02)
            found = (await asked).json()
            assert found["missing"] == {"notifications": "timeout", "unread": "timeout"}
            assert found["user"]["username"] == "ada"
            assert most == 2
            async with asyncio.timeout(5):
                while await _waiting(other):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
    finally:
        await other.close()
    connections = api.application.load.connections
    assert connections is not None
    assert connections.usage().in_use == 0
    again = (await api.call("GET", "/users/me/dashboard", as_=tokens)).json()
    assert (again["unread"], again["missing"]) == (0, {})


async def _waiting(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How many connections wait for a lock."""
    sentence = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND relation = 'notifications'::regclass"
    return int(await connection.fetchval(sentence))

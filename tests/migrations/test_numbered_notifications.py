"""Notifications of the version before get numbers, and lose them on the way back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql import Database, Schema, create_engine
from adapters.sql.tables import inboxes, metadata, notifications
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_notification, a_user, add
from tests.services import empty_postgres_url
from tests.stores import POSTGRESQL, SQLITE, sql_store

ADA, BOB, EVE = a_user("ada"), a_user("bob"), a_user("eve")


@pytest.fixture(params=[SQLITE, POSTGRESQL])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    url = empty_postgres_url() if request.param == POSTGRESQL else f"sqlite:///{tmp_path}/moothall.db"
    engine = create_engine(Database(url))
    yield engine
    await engine.dispose()


async def insert_as_of_0009(engine: AsyncEngine, told: Iterable[tuple[UUID, User, int]]) -> None:
    """Notifications by id, member and second, with no column that came later."""
    rows = [
        {
            "id": id,
            "user_id": user.id,
            "kind": "message",
            "title": "Hello",
            "body": "World",
            "created_at": NOW + second * SECOND,
        }
        for id, user, second in told
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(_before_0010()), rows)


def _before_0010() -> Table:
    columns = [column for column in notifications.columns if column.name != "number"]
    return Table("notifications", type(metadata)(), *(type(c)(c.name, c.type) for c in columns))


async def numbers(engine: AsyncEngine) -> dict[UUID, int]:
    async with engine.connect() as connection:
        found = await connection.execute(select(notifications.c.id, notifications.c.number))
        return {row.id: row.number for row in found}


async def last_numbers(engine: AsyncEngine) -> dict[UUID, int]:
    async with engine.connect() as connection:
        return {row.user_id: row.last_number for row in await connection.execute(select(inboxes))}


async def test_what_is_there_is_numbered_in_the_order_of_lists_and_goes_on_from_there(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()
    store = sql_store(engine.dialect.name, engine)
    await add(store, ADA, BOB, EVE)
    await Schema(engine).downgrade("0009")
    early, middle, late = uuid4(), *sorted((uuid4(), uuid4()))
    his = uuid4()
    await insert_as_of_0009(engine, [(late, ADA, 5), (his, BOB, 0), (middle, ADA, 5), (early, ADA, 1)])

    await Schema(engine).upgrade()
    assert await numbers(engine) == {early: 1, middle: 2, late: 3, his: 1}
    assert await last_numbers(engine) == {ADA.id: 3, BOB.id: 1}
    async with store.transactions.begin() as uow:
        new = [a_notification(user, created_at=NOW + 9 * SECOND) for user in (ADA, BOB, EVE)]
        assert [await uow.notifications.add(notification) for notification in new] == [4, 2, 1]

    await Schema(engine).downgrade("0009")
    rows = await store.notifications.notifications(ADA.id, None, after=None, offset=0, limit=10)
    assert [row.value.id for row in rows][-3:] == [late, middle, early]
    await Schema(engine).upgrade()
    assert await last_numbers(engine) == {ADA.id: 4, BOB.id: 2, EVE.id: 1}
    assert (await numbers(engine))[late] == 3


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
async def test_what_the_version_before_goes_on_writing_gets_numbers_too(engine: AsyncEngine) -> None:
    await Schema(engine).upgrade()
    store = sql_store(engine.dialect.name, engine)
    await add(store, ADA, BOB)
    async with store.transactions.begin() as uow:
        assert await uow.notifications.add(a_notification(ADA)) == 1
    mine, his = [uuid4() for _ in range(5)], [uuid4() for _ in range(5)]
    told = zip(mine + his, [ADA] * 5 + [BOB] * 5, strict=True)
    await asyncio.gather(*(insert_as_of_0009(engine, [(id, user, 0)]) for id, user in told))
    found = await numbers(engine)
    assert sorted(found[id] for id in mine) == [2, 3, 4, 5, 6]
    assert sorted(found[id] for id in his) == [1, 2, 3, 4, 5]
    async with store.transactions.begin() as uow:
        assert [await uow.notifications.add(a_notification(user)) for user in (ADA, BOB)] == [7, 6]

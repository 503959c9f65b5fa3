"""No change is lost, and the version is told. What holds of accounts alone is in their contract."""

import asyncio
from dataclasses import replace

from tests.contracts.builders import a_session, a_user, add
from tests.stores import Store


async def test_the_version_that_is_told_is_the_one_that_was_saved(store: Store) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        first = await uow.users.save(replace(user, first_name="Ada"))
        await uow.users.save(replace(first, last_name="Lovelace"))
    shown = await store.queries.user(user.id)
    assert shown is not None
    assert shown.version == 3


async def test_concurrent_rotations_of_one_session_all_count(store: Store) -> None:
    user = a_user()
    session = a_session(user)
    await add(store, user, sessions=[session])

    async def rotate() -> None:
        async with store.transactions.begin() as uow:
            loaded = await uow.sessions.get(session.id)
            assert loaded is not None
            await asyncio.sleep(0)
            await uow.sessions.save(replace(loaded, counter=loaded.counter + 1))

    await asyncio.gather(*(rotate() for _ in range(20)))
    async with store.transactions.begin() as uow:
        assert await uow.sessions.get(session.id) == replace(session, counter=21)

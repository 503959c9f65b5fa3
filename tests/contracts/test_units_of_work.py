"""Everything in a unit of work happens, or nothing does."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from domain.errors import Conflict, Unavailable
from tests.contracts.builders import NOW, a_key, a_session, a_user, add, stored
from tests.stores import Store


class Nevermind(Exception):
    pass


async def test_an_exception_rolls_everything_back(store: Store) -> None:
    user = a_user()

    async def add_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(user)
            await uow.sessions.add(a_session(user))
            await uow.signing_keys.add(a_key("k"))
            raise Nevermind

    with pytest.raises(Nevermind):
        await add_and_fail()
    assert await store.queries.user(user.id) is None
    assert await store.queries.signing_keys() == []
    await add(store, user)


async def test_what_was_removed_comes_back_with_a_rollback(store: Store) -> None:
    user = a_user(username="ada")
    session = a_session(user)
    await add(store, user, sessions=[session])

    async def remove_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.remove(user.id)
            raise Nevermind

    with pytest.raises(Nevermind):
        await remove_and_fail()
    assert await stored(store, user.id) == user
    assert await store.queries.find_user(username_key="ada") == user.id
    assert await store.queries.owner_of_session(session.id) == user.id


async def test_readers_see_nothing_that_is_not_committed(store: Store) -> None:
    user = a_user()
    async with store.transactions.begin() as uow:
        await uow.users.add(user)
        assert await store.queries.user(user.id) is None
        assert await store.queries.find_user(email_key=user.email.key) is None
    assert await store.queries.user(user.id) is not None


async def test_after_a_conflict_nothing_is_committed_even_if_somebody_caught_it(store: Store) -> None:
    await add(store, a_user("taken"))
    other = a_user("other")

    async def add_both() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(other)
            with suppress(Conflict):
                await uow.users.add(a_user("taken"))

    with pytest.raises(Conflict) as refused:
        await add_both()
    assert refused.value.code == "email-taken"
    assert await store.queries.user(other.id) is None


async def test_after_a_stale_save_nothing_is_committed_even_if_somebody_caught_it(store: Store) -> None:
    user = a_user()
    await add(store, user)

    async def add_a_key_and_save() -> None:
        async with store.transactions.begin() as uow:
            await uow.signing_keys.add(a_key("k"))
            with suppress(Conflict):
                await uow.users.save(replace(user, version=7))

    with pytest.raises(Conflict):
        await add_a_key_and_save()
    assert await store.queries.signing_keys() == []


async def test_after_a_statement_that_was_given_up_nothing_is_committed_even_if_somebody_caught_it(
    database: Store,
) -> None:
    user = a_user()

    async def add_and_give_up() -> None:
        async with database.transactions.begin() as uow:
            await uow.users.add(user)
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await uow.users.another_admin_exists(None)

    with pytest.raises(Unavailable):
        await add_and_give_up()
    assert await stored(database, user.id) is None


async def test_what_is_not_there_is_none(store: Store) -> None:
    nobody = a_user()
    async with store.transactions.begin() as uow:
        assert await uow.users.get(nobody.id) is None
        assert await uow.sessions.get(nobody.id) is None
        await uow.users.remove(nobody.id)
        await uow.sessions.remove(nobody.id)
        await uow.users.record_sign_in(nobody.id, NOW, password_hash="x")


async def test_many_units_of_work_at_once_all_commit(store: Store) -> None:
    users = [a_user(f"user{n}") for n in range(25)]
    await asyncio.gather(*(add(store, user) for user in users))
    for user in users:
        assert await store.queries.find_user(email_key=user.email.key) == user.id


async def test_the_store_is_healthy(store: Store) -> None:
    await store.health.check()

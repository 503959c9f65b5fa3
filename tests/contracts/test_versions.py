"""No change is lost: what was read stays locked, and an older version is never saved over a newer one."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Conflict
from tests.contracts.builders import NOW, SECOND, a_session, a_user, add, stored
from tests.stores import Store


async def test_saving_moves_the_version_on(store: Store) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        first = await uow.users.save(replace(user, first_name="Ada"))
        second = await uow.users.save(replace(first, last_name="Lovelace"))
    assert (first.version, second.version) == (2, 3)
    assert await stored(store, user.id) == second
    shown = await store.queries.user(user.id)
    assert shown is not None
    assert shown.version == 3


@pytest.mark.parametrize("version", [1, 3])
async def test_only_the_version_that_is_stored_can_be_saved(store: Store, version: int) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        saved = await uow.users.save(user)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.users.save(replace(user, version=version, first_name="Too late"))
    assert refused.value.code == "changed-meanwhile"
    assert await stored(store, user.id) == saved


async def test_a_removed_account_cannot_be_saved(store: Store) -> None:
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.users.save(a_user())
    assert refused.value.code == "changed-meanwhile"


async def test_concurrent_changes_of_one_account_all_count(store: Store) -> None:
    user = a_user(first_name="0")
    await add(store, user)

    async def count_up() -> None:
        async with store.transactions.begin() as uow:
            loaded = await uow.users.get(user.id)
            assert loaded is not None
            await asyncio.sleep(0)
            await uow.users.save(replace(loaded, first_name=str(int(loaded.first_name or "") + 1)))

    await asyncio.gather(*(count_up() for _ in range(20)))
    changed = await stored(store, user.id)
    assert changed is not None
    assert (changed.first_name, changed.version) == ("20", 21)


async def test_concurrent_changes_of_roles_all_count(store: Store) -> None:
    user = a_user(roles=frozenset())
    await add(store, user)

    async def give(role: str) -> None:
        async with store.transactions.begin() as uow:
            loaded = await uow.users.get(user.id)
            assert loaded is not None
            await uow.users.save(replace(loaded, roles=loaded.roles | {role}))

    wanted = {f"role{n}" for n in range(8)}
    await asyncio.gather(*(give(role) for role in wanted))
    changed = await stored(store, user.id)
    assert changed is not None
    assert changed.roles == wanted


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


async def test_a_sign_in_leaves_version_and_time_of_change_alone(store: Store) -> None:
    user = a_user()
    await add(store, user)
    later = NOW + timedelta(days=1)
    async with store.transactions.begin() as uow:
        await uow.users.record_sign_in(user.id, later, password_hash="$new$")
    assert await stored(store, user.id) == replace(user, last_login_at=later, password_hash="$new$")


async def test_a_sign_in_does_not_make_a_change_under_way_stale(store: Store) -> None:
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.users.record_sign_in(user.id, NOW + SECOND, password_hash="$new$")
    async with store.transactions.begin() as uow:
        assert (await uow.users.save(user.changed(NOW, first_name="Ada"))).version == 2

"""Rules about many rows: who holds a name is alone with it until the unit of work ends."""

import asyncio
from dataclasses import replace

from domain.identity.user import User
from tests.contracts.builders import a_user, add, stored
from tests.stores import MEMORY, POSTGRESQL, Store


async def test_of_two_at_once_the_second_sees_what_the_first_did(store: Store) -> None:
    """Two administrators are removed at once; the rule is that one stays."""
    admins = [a_user(f"admin{n}", roles=frozenset({"admin"})) for n in range(2)]
    await add(store, *admins)

    async def demote(user: User) -> bool:
        async with store.transactions.begin() as uow:
            await uow.serialise("administrators")
            await asyncio.sleep(0.01)
            if not await uow.users.another_admin_exists(user.id):
                return False
            await uow.users.save(replace(user, roles=frozenset()))
            return True

    assert sorted(await asyncio.gather(*(demote(user) for user in admins))) == [False, True]
    assert sorted(bool(user and user.is_admin) for user in [await stored(store, admin.id) for admin in admins]) == [
        False,
        True,
    ]


async def test_the_name_is_free_again_after_a_rollback(store: Store) -> None:
    for _ in range(2):
        try:
            async with store.transactions.begin() as uow:
                await uow.serialise("name")
                raise LookupError
        except LookupError:
            pass


async def test_other_names_are_not_waited_for(store: Store) -> None:
    """Only PostgreSQL has two writers at once; the others wait for the whole unit of work anyway."""
    entered = asyncio.Event()

    async def other() -> None:
        async with store.transactions.begin() as uow:
            await uow.serialise("other")
            entered.set()

    async with store.transactions.begin() as uow:
        await uow.serialise("one")
        task = asyncio.create_task(other())
        if store.name == POSTGRESQL:
            await asyncio.wait_for(entered.wait(), 5)
        else:
            await asyncio.sleep(0.05 if store.name != MEMORY else 0)
            assert not entered.is_set()
    await task
    assert entered.is_set()

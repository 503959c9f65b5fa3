"""Many accounts at once: they are read and listed as if they had been stored one by one."""

from dataclasses import replace

from moothall.contracts.users import BARE, FULL

from application.identity.views import UserFilters
from application.paging import Sort
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_user, add, stored
from tests.stores import Store


async def _roles_listed(store: Store, user: User) -> list[str]:
    """By which role it is found: what its holders are listed by has to be there."""
    sort, found = Sort("email", descending=False), []
    for role in ("admin", "member"):
        filters = UserFilters(role=role, is_active=user.is_active, is_verified=user.is_verified)
        rows = await store.queries.users(filters, sort, after=None, offset=0, limit=10)
        found += [role for row in rows if row.value.id == user.id]
    return found


async def test_many_that_were_added_are_listed_as_one_is(store: Store) -> None:
    async with store.transactions.begin() as uow:
        await uow.users.add_all([FULL, BARE])
    for user in (FULL, BARE):
        assert await _roles_listed(store, user) == sorted(user.roles)
    assert await store.queries.find_user(username_key="ada_l") == FULL.id


async def test_many_that_were_saved_are_listed_as_one_is(store: Store) -> None:
    one, two = a_user("one"), a_user("two", roles=frozenset({"admin", "member"}))
    await add(store, one, two)
    async with store.transactions.begin() as uow:
        await uow.users.get_all([one.id, two.id])
        changed = [
            replace(one, username="first", roles=frozenset({"admin"}), is_active=False, updated_at=NOW + SECOND),
            replace(two, first_name="Two", roles=frozenset()),
        ]
        await uow.users.save_all(changed)
    for wanted in changed:
        assert await stored(store, wanted.id) == replace(wanted, version=2)
        assert await _roles_listed(store, wanted) == sorted(wanted.roles)


async def test_an_id_from_elsewhere_is_told_while_the_account_is_there(store: Store) -> None:
    await add(store, FULL, BARE)
    for external_id in ("7", "nine"):
        async with store.transactions.begin() as uow:
            await uow.users.set_external_ids({FULL.id: external_id})
        assert await store.queries.external_id(FULL.id) == external_id
    assert await store.queries.external_id(BARE.id) is None
    async with store.transactions.begin() as uow:
        await uow.users.remove(FULL.id)
    assert await store.queries.external_id(FULL.id) is None

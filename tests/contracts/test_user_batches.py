"""Many accounts at once: as if they had been stored one by one."""

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.errors import Conflict
from domain.identity.email import EmailAddress
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_user, add, stored
from tests.contracts.test_users import BARE, FULL
from tests.stores import Store


async def _roles_listed(store: Store, user: User) -> list[str]:
    """By which role it is found: what its holders are listed by has to be there."""
    from application.identity.views import UserFilters
    from application.paging import Sort

    sort, found = Sort("email", descending=False), []
    for role in ("admin", "member"):
        filters = UserFilters(role=role, is_active=user.is_active, is_verified=user.is_verified)
        rows = await store.queries.users(filters, sort, after=None, offset=0, limit=10)
        found += [role for row in rows if row.value.id == user.id]
    return found


async def test_many_are_added_as_one_is(store: Store) -> None:
    async with store.transactions.begin() as uow:
        await uow.users.add_all([FULL, BARE])
        await uow.users.add_all([])
    for user in (FULL, BARE):
        assert await stored(store, user.id) == user
        assert await _roles_listed(store, user) == sorted(user.roles)
    assert await store.queries.find_user(username_key="ada_l") == FULL.id


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": EmailAddress("ADA@example.com", "ada@example.com")}, "email-taken"),
        ({"username": "ADA_L"}, "username-taken"),
    ],
)
async def test_one_that_is_taken_spoils_all(store: Store, fields: dict[str, object], code: str) -> None:
    await add(store, FULL)
    other, taken = a_user("other"), a_user("taken", **fields)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.users.add_all([other, taken])
    assert refused.value.code == code
    assert await store.queries.user(other.id) is None


async def test_many_are_saved_as_one_is(store: Store) -> None:
    one, two, three = a_user("one"), a_user("two", roles=frozenset({"admin", "member"})), a_user("three")
    await add(store, one, two, three)
    async with store.transactions.begin() as uow:
        found = await uow.users.get_all([one.id, two.id, uuid4()])
        assert found == {one.id: one, two.id: two}
        changed = [
            replace(one, username="first", roles=frozenset({"admin"}), is_active=False, updated_at=NOW + SECOND),
            replace(two, first_name="Two", roles=frozenset()),
        ]
        await uow.users.save_all(changed)
    for wanted in changed:
        assert await stored(store, wanted.id) == replace(wanted, version=2)
        assert await _roles_listed(store, wanted) == sorted(wanted.roles)
    assert await stored(store, three.id) == three


async def test_keys_are_found_without_what_is_nobodys(store: Store) -> None:
    await add(store, FULL, BARE)
    async with store.transactions.begin() as uow:
        assert await uow.users.find_all(["ada@example.com", "bare@example.com", "x@example.com"]) == {
            "ada@example.com": FULL.id,
            "bare@example.com": BARE.id,
        }
        assert await uow.users.find_usernames(["ada_l", "Ada_L", "nobody"]) == {"ada_l": FULL.id}
        assert await uow.users.find_all([]) == {}


async def test_ids_from_elsewhere_are_each_one_accounts(store: Store) -> None:
    await add(store, FULL, BARE)
    async with store.transactions.begin() as uow:
        await uow.users.set_external_ids({FULL.id: "7", BARE.id: "Eight "})
    async with store.transactions.begin() as uow:
        assert await uow.users.find_external_ids(["7", "Eight ", "eight"]) == {"7": FULL.id, "Eight ": BARE.id}
        await uow.users.set_external_ids({FULL.id: "nine"})
    assert await store.queries.external_id(FULL.id) == "nine"
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.users.set_external_ids({FULL.id: "Eight "})
    assert refused.value.code == "external-id-taken"
    async with store.transactions.begin() as uow:
        await uow.users.remove(FULL.id)
    assert await store.queries.external_id(FULL.id) is None

"""API keys: found by their digest while they are good, listed for their owners, and gone with them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from application.access.ports import KeyHolder
from application.access.views import ApiKeyView
from application.identity.views import shown
from application.paging import Position, Row
from domain.access.api_keys import ApiKey
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_role,
    a_user,
    add,
    add_api_keys,
    add_roles,
    an_api_key,
    examples,
    remove,
)
from tests.contracts.test_roles import patterns
from tests.contracts.test_text_and_time import HOSTILE, moments
from tests.stores import Store

MICRO = timedelta(microseconds=1)
OWNER = a_user("owner", first_name="Ada", roles=frozenset({"admin", "member"}), version=3)
FULL = an_api_key(
    OWNER,
    "users:*",
    "audit:read",
    name="Nightly report",
    prefix="mh_full-0",
    created_at=NOW - SECOND,
    expires_at=NOW + 3600 * SECOND,
    last_used_at=NOW - MICRO,
)
BARE = an_api_key(OWNER, name="x", prefix="", created_at=NOW)


async def listed(store: Store, user_id: UUID | None = None) -> list[Row[ApiKeyView]]:
    return await store.access.api_keys(user_id, after=None, offset=0, limit=1000)


async def views(store: Store, user_id: UUID | None = None) -> list[ApiKeyView]:
    return [row.value for row in await listed(store, user_id)]


async def count_of(store: Store, user_id: UUID) -> int:
    async with store.transactions.begin() as uow:
        return await uow.api_keys.count_of(user_id)


async def remove_key(store: Store, key_id: UUID) -> bool:
    async with store.transactions.begin() as uow:
        return await uow.api_keys.remove(key_id)


def in_order(keys: list[ApiKey]) -> list[Row[ApiKeyView]]:
    """What a store has to answer."""
    ordered = sorted(keys, key=lambda key: (key.created_at, key.id), reverse=True)
    return [Row(Position(key.created_at, key.id), ApiKeyView.of(key)) for key in ordered]


async def test_every_field_comes_back(store: Store) -> None:
    await add(store, OWNER)
    await add_api_keys(store, FULL, BARE)
    assert await views(store) == [ApiKeyView.of(BARE), ApiKeyView.of(FULL)]
    assert await store.access.key_holder(FULL.digest, NOW) == KeyHolder(
        FULL.id, shown(OWNER), FULL.permissions, frozenset({"*"}), FULL.expires_at, FULL.last_used_at
    )
    assert await store.access.key_holder(BARE.digest, NOW) == KeyHolder(
        BARE.id, shown(OWNER), frozenset(), frozenset({"*"}), None, None
    )


async def test_what_was_granted_and_what_the_owner_holds_are_told_apart(store: Store) -> None:
    await add_roles(store, a_role("editor", "users:read"))
    user = a_user(roles=frozenset({"editor"}))
    key = an_api_key(user, "audit:read", "roles:*")
    await add(store, user)
    await add_api_keys(store, key)
    holder = await store.access.key_holder(key.digest, NOW)
    assert holder is not None
    assert holder.granted == {"audit:read", "roles:*"}
    assert holder.held == {"users:read"}


@examples
@given(st.frozensets(patterns, max_size=12))
async def test_permissions_come_back_as_they_went_in(store: Store, permissions: frozenset[str]) -> None:
    user = a_user()
    key = an_api_key(user, *permissions)
    await add(store, user)
    await add_api_keys(store, key)
    holder = await store.access.key_holder(key.digest, NOW)
    assert holder is not None
    assert holder.granted == permissions
    assert [view.permissions for view in await views(store, user.id)] == [tuple(sorted(permissions))]
    await remove(store, user)


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_name_comes_back_as_it_went_in(store: Store, text: str) -> None:
    user = a_user()
    key = an_api_key(user, name=text, prefix=text)
    await add(store, user)
    await add_api_keys(store, key)
    assert await views(store, user.id) == [ApiKeyView.of(key)]


@examples
@given(moments, moments, moments)
async def test_times_come_back_aware_in_utc_and_to_the_microsecond(
    store: Store, created: datetime, expires: datetime, used: datetime
) -> None:
    user = a_user()
    key = an_api_key(user, created_at=created, expires_at=expires, last_used_at=used)
    await add(store, user)
    await add_api_keys(store, key)
    (view,) = await views(store, user.id)
    assert view == ApiKeyView.of(key)
    for moment in (view.created_at, view.expires_at, view.last_used_at):
        assert moment is not None
        assert moment.utcoffset() == timedelta(0)
    holder = await store.access.key_holder(key.digest, datetime.min.replace(tzinfo=UTC))
    assert holder is not None
    assert holder.last_used_at == used
    await remove(store, user)


async def test_a_key_needs_its_user(store: Store) -> None:
    key = an_api_key(a_user())
    with pytest.raises((IntegrityError, LookupError)):
        await add_api_keys(store, key)
    assert await store.access.api_key(key.id) is None
    assert await store.access.key_holder(key.digest, NOW) is None


@pytest.mark.parametrize("same", ["id", "digest"])
async def test_ids_and_digests_are_taken_once(store: Store, same: str) -> None:
    """Both are made by chance, so that this is a bug, which is not overlooked."""
    ada, grace = a_user("ada"), a_user("grace")
    key = an_api_key(ada)
    twin = replace(an_api_key(grace), **{same: getattr(key, same)})
    await add(store, ada, grace)
    await add_api_keys(store, key)
    with pytest.raises((IntegrityError, LookupError)):
        await add_api_keys(store, twin)
    assert await views(store) == [ApiKeyView.of(key)]


async def test_an_exception_rolls_everything_back(store: Store) -> None:
    user = a_user()
    kept, over = an_api_key(user), an_api_key(user, expires_at=NOW)
    await add(store, user)
    await add_api_keys(store, kept, over)
    before = await views(store)

    async def change_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.api_keys.add(an_api_key(user))
            await uow.api_keys.note_use(kept.id, NOW)
            assert await uow.api_keys.remove_expired(NOW) == 1
            assert await uow.api_keys.remove(kept.id)
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert await views(store) == before
    assert await store.access.key_holder(kept.digest, NOW) is not None


async def test_readers_see_nothing_that_is_not_committed(store: Store) -> None:
    user = a_user()
    key = an_api_key(user)
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.api_keys.add(key)
        assert await uow.api_keys.count_of(user.id) == 1
        assert await store.access.key_holder(key.digest, NOW) is None
        assert await store.access.count_api_keys(None) == 0
    assert await store.access.key_holder(key.digest, NOW) is not None


async def test_keys_are_counted_for_each_user(store: Store) -> None:
    ada, grace = a_user("ada"), a_user("grace")
    await add(store, ada, grace)
    await add_api_keys(store, an_api_key(ada), an_api_key(ada, expires_at=NOW - SECOND), an_api_key(grace))
    assert [await count_of(store, user.id) for user in (ada, grace, OWNER)] == [2, 1, 0]
    assert [await store.access.count_api_keys(id) for id in (ada.id, grace.id, OWNER.id, None)] == [2, 1, 0, 3]


async def test_a_key_that_is_removed_is_over_for_the_next_reader(store: Store) -> None:
    user = a_user()
    key, other = an_api_key(user), an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key, other)
    assert await store.access.key_holder(key.digest, NOW) is not None
    assert await remove_key(store, key.id) is True
    assert await store.access.key_holder(key.digest, NOW) is None
    assert await store.access.api_key(key.id) is None
    assert await views(store) == [ApiKeyView.of(other)]
    assert await count_of(store, user.id) == 1


async def test_removing_what_is_not_there_tells_so(store: Store) -> None:
    user = a_user()
    key = an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key)
    assert await remove_key(store, user.id) is False
    async with store.transactions.begin() as uow:
        assert await uow.api_keys.remove(key.id) is True
        assert await uow.api_keys.remove(key.id) is False
    assert await remove_key(store, key.id) is False


async def test_a_use_is_noted_and_changes_nothing_else(store: Store) -> None:
    user = a_user()
    key, other = an_api_key(user, "users:read", expires_at=NOW + 9 * SECOND), an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key, other)
    for moment in (NOW + SECOND, NOW + 2 * SECOND + MICRO):
        async with store.transactions.begin() as uow:
            await uow.api_keys.note_use(key.id, moment)
        used = replace(key, last_used_at=moment)
        assert await listed(store) == in_order([used, other])
        holder = await store.access.key_holder(key.digest, NOW)
        assert holder == KeyHolder(key.id, shown(user), key.permissions, frozenset(), key.expires_at, moment)


async def test_a_use_of_a_key_that_is_gone_does_not_bring_it_back(store: Store) -> None:
    user = a_user()
    key = an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key)
    async with store.transactions.begin() as uow:
        await uow.api_keys.remove(key.id)
        await uow.api_keys.note_use(key.id, NOW)
    async with store.transactions.begin() as uow:
        await uow.api_keys.note_use(key.id, NOW)
    assert await views(store) == []


async def test_keys_that_ran_out_are_swept_and_no_others(store: Store) -> None:
    user = a_user()
    over = [an_api_key(user, expires_at=NOW - n * SECOND) for n in range(3)]
    alive = an_api_key(user, expires_at=NOW + MICRO)
    forever = an_api_key(user)
    await add(store, user)
    await add_api_keys(store, *over, alive, forever)
    async with store.transactions.begin() as uow:
        assert await uow.api_keys.remove_expired(NOW - 3 * SECOND) == 0
        assert await uow.api_keys.remove_expired(NOW - SECOND) == 2
        assert await uow.api_keys.remove_expired(NOW) == 1
        assert await uow.api_keys.remove_expired(NOW) == 0
    assert await listed(store) == in_order([alive, forever])


async def test_keys_go_with_their_owner(store: Store) -> None:
    ada, grace = a_user("ada"), a_user("grace")
    gone, kept = [an_api_key(ada), an_api_key(ada)], an_api_key(grace)
    await add(store, ada, grace)
    await add_api_keys(store, *gone, kept)
    async with store.transactions.begin() as uow:
        await uow.users.remove(ada.id)
        assert await uow.api_keys.count_of(ada.id) == 0
        assert await uow.api_keys.remove(gone[0].id) is False
    assert await views(store) == [ApiKeyView.of(kept)]
    assert await store.access.count_api_keys(None) == 1
    for key in gone:
        assert await store.access.key_holder(key.digest, NOW) is None
        assert await store.access.api_key(key.id) is None
    await add(store, replace(ada, email=a_user("heir").email))
    assert await views(store, ada.id) == []


async def test_keys_come_back_with_an_owner_whose_removal_is_rolled_back(store: Store) -> None:
    user = a_user()
    key = an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key)

    async def remove_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.remove(user.id)
            raise LookupError

    with pytest.raises(LookupError):
        await remove_and_fail()
    assert (await store.access.api_key(key.id)) == ApiKeyView.of(key)
    assert await store.access.key_holder(key.digest, NOW) is not None


@pytest.mark.parametrize(
    ("owner_active", "ends_in", "good"),
    [
        (True, None, True),
        (True, SECOND, True),
        (True, MICRO, True),
        (True, 0 * SECOND, False),
        (True, -SECOND, False),
        (False, None, False),
        (False, SECOND, False),
    ],
)
async def test_a_key_is_good_until_it_runs_out_and_while_its_owner_is_active(
    store: Store, owner_active: bool, ends_in: timedelta | None, good: bool
) -> None:
    user = a_user(is_active=owner_active)
    key = an_api_key(user, expires_at=None if ends_in is None else NOW + ends_in)
    await add(store, user)
    await add_api_keys(store, key)
    assert (await store.access.key_holder(key.digest, NOW) is not None) == good
    assert (await store.access.api_key(key.id)) == ApiKeyView.of(key)
    assert await views(store, user.id) == [ApiKeyView.of(key)]


async def test_a_moment_of_another_zone_is_the_same_moment(store: Store) -> None:
    there = timezone(timedelta(hours=-9, minutes=-30))
    user = a_user()
    key = an_api_key(user, created_at=NOW.astimezone(there), expires_at=(NOW + SECOND).astimezone(there))
    await add(store, user)
    await add_api_keys(store, key)
    assert await views(store) == [ApiKeyView.of(replace(key, created_at=NOW, expires_at=NOW + SECOND))]
    assert await store.access.key_holder(key.digest, NOW.astimezone(there)) is not None
    assert await store.access.key_holder(key.digest, (NOW + SECOND).astimezone(there)) is None


async def test_who_is_deactivated_has_no_good_key_until_they_are_active_again(store: Store) -> None:
    user = a_user()
    key = an_api_key(user)
    await add(store, user)
    await add_api_keys(store, key)
    for is_active in (False, True):
        async with store.transactions.begin() as uow:
            found = await uow.users.get(user.id)
            assert found is not None
            await uow.users.save(replace(found, is_active=is_active))
        assert (await store.access.key_holder(key.digest, NOW) is not None) == is_active


async def test_a_digest_is_compared_exactly(store: Store) -> None:
    user = a_user()
    keys = [an_api_key(user, digest=digest) for digest in (bytes(32), b"\xff" * 32, bytes(range(32)))]
    await add(store, user)
    await add_api_keys(store, *keys)
    for key in keys:
        holder = await store.access.key_holder(key.digest, NOW)
        assert holder is not None
        assert holder.key_id == key.id
    for digest in (b"", b"\0", bytes(31), bytes(33), bytes(range(1, 33)), b"' OR 1=1 --"):
        assert await store.access.key_holder(digest, NOW) is None


async def test_the_owner_is_told_even_of_a_key_that_ran_out(store: Store) -> None:
    user = a_user()
    key = an_api_key(user, expires_at=NOW - SECOND)
    await add(store, user)
    await add_api_keys(store, key)
    assert (await store.access.api_key(key.id)) == ApiKeyView.of(key)
    assert await store.access.api_key(user.id) is None


async def test_a_list_is_of_one_owner_or_of_all(store: Store) -> None:
    ada, grace, nobody = a_user("ada"), a_user("grace", is_active=False), a_user("nobody")
    mine = [an_api_key(ada, created_at=NOW + n * SECOND) for n in range(3)]
    hers = [an_api_key(grace, created_at=NOW + n * SECOND) for n in range(2)]
    await add(store, ada, grace, nobody)
    await add_api_keys(store, *mine, *hers)
    assert await listed(store, ada.id) == in_order(mine)
    assert await listed(store, grace.id) == in_order(hers)
    assert await listed(store, nobody.id) == []
    assert await listed(store) == in_order([*mine, *hers])


times = st.integers(0, 2).map(lambda n: NOW + timedelta(microseconds=n))
"""Few, so that there are many ties."""


@examples
@given(st.lists(st.tuples(times, st.booleans()), max_size=10), st.booleans(), st.integers(1, 4))
async def test_pages_of_both_kinds_together_are_all_keys_newest_first(
    store: Store, made: list[tuple[datetime, bool]], of_one: bool, size: int
) -> None:
    ada, grace = a_user("ada"), a_user("grace")
    keys = [an_api_key(ada if mine else grace, created_at=moment) for moment, mine in made]
    owner = ada.id if of_one else None
    expected = in_order([key for key in keys if not of_one or key.user_id == ada.id])
    await add(store, ada, grace)
    await add_api_keys(store, *keys)

    followed: list[Row[ApiKeyView]] = []
    after: Position | None = None
    while rows := await store.access.api_keys(owner, after=after, offset=0, limit=size):
        followed += rows
        after = rows[-1].position
    numbered: list[Row[ApiKeyView]] = []
    while rows := await store.access.api_keys(owner, after=None, offset=len(numbered), limit=size):
        numbered += rows
    total = await store.access.count_api_keys(owner)

    await remove(store, ada, grace)
    assert followed == expected
    assert numbered == expected
    assert total == len(expected)

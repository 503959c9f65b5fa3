"""The contract of profiles: memory, SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Conflict, Invalid
from domain.profiles.profile import Profile
from tests.contracts.builders import NOW, SECOND, a_user, add, examples, remove, stored
from tests.stores import Store


async def save(store: Store, profile: Profile) -> Profile:
    async with store.transactions.begin() as uow:
        return await uow.profiles.save(profile)


async def stored_profile(store: Store, profile: Profile) -> Profile | None:
    async with store.transactions.begin() as uow:
        return await uow.profiles.get(profile.user_id)


async def test_who_has_none_stored_is_shown_an_empty_one(store: Store) -> None:
    ada = a_user("ada", username="ada", first_name="Ada", last_name="King")
    await add(store, ada)
    found = await store.profiles.member_shown(ada.id)
    assert found is not None
    assert (found.username, found.full_name, found.is_active) == ("ada", "Ada King", True)
    assert found.profile == Profile(user_id=ada.id, updated_at=ada.updated_at)
    assert found.version == ada.version
    assert await store.profiles.member_shown(uuid4()) is None


async def test_a_profile_is_stored_and_shown_as_it_was_saved(store: Store) -> None:
    ada = a_user("ada", is_active=False)
    await add(store, ada)
    profile = Profile(
        user_id=ada.id, updated_at=NOW, bio="one\r\ntwo 🐑", website="https://ada.example", avatar_id=uuid4()
    )
    saved = await save(store, profile)
    assert saved == replace(profile, version=1)
    assert await stored_profile(store, profile) == saved
    found = await store.profiles.member_shown(ada.id)
    assert found is not None
    assert found.profile == saved
    assert not found.is_active
    cleared = await save(store, saved.changed(NOW + SECOND, bio=None, website=None, avatar_id=None))
    assert cleared == Profile(user_id=ada.id, updated_at=NOW + SECOND, version=2)
    assert await stored_profile(store, profile) == cleared


async def test_the_version_moves_with_the_profile_and_with_the_account(store: Store) -> None:
    ada = a_user("ada")
    await add(store, ada)
    seen = []

    async def look() -> None:
        found = await store.profiles.member_shown(ada.id)
        assert found is not None
        seen.append(found.version)

    await look()
    await save(store, Profile(user_id=ada.id, updated_at=NOW, bio="a"))
    await look()
    async with store.transactions.begin() as uow:
        user = await uow.users.get(ada.id)
        assert user is not None
        await uow.users.save(user.changed(NOW, username="ada"))
    await look()
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_another_version_than_the_stored_one_is_not_saved(store: Store, version: int) -> None:
    ada = a_user("ada")
    await add(store, ada)
    current = await save(store, await save(store, Profile(user_id=ada.id, updated_at=NOW, bio="a")))
    with pytest.raises(Conflict) as error:
        await save(store, replace(current, bio="b", version=version))
    assert error.value.code == "changed-meanwhile"
    assert await stored_profile(store, current) == current


async def test_of_two_first_changes_at_once_none_is_lost(store: Store) -> None:
    """Whoever changes a profile has locked its account."""
    ada = a_user("ada")
    await add(store, ada)

    async def change(**fields: str) -> None:
        async with store.transactions.begin() as uow:
            assert await uow.users.get(ada.id) is not None
            profile = await uow.profiles.get(ada.id) or Profile(user_id=ada.id, updated_at=NOW)
            await asyncio.sleep(0.01)
            await uow.profiles.save(profile.changed(NOW, **fields))

    await asyncio.gather(change(bio="a"), change(website="https://ada.example"))
    found = await stored_profile(store, Profile(user_id=ada.id, updated_at=NOW))
    assert found == Profile(user_id=ada.id, updated_at=NOW, bio="a", website="https://ada.example", version=2)


async def test_a_profile_goes_with_its_account(store: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(store, ada, bob)
    mine, theirs = (Profile(user_id=user.id, updated_at=NOW, bio=user.email.typed) for user in (ada, bob))
    await save(store, mine)
    kept = await save(store, theirs)
    await remove(store, ada)
    assert await stored(store, ada.id) is None
    assert await stored_profile(store, mine) is None
    assert await store.profiles.member_shown(ada.id) is None
    assert await stored_profile(store, theirs) == kept


async def test_what_rolled_back_was_never_there(store: Store) -> None:
    ada = a_user("ada")
    await add(store, ada)
    profile = Profile(user_id=ada.id, updated_at=NOW, bio="a")

    async def save_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.profiles.save(profile)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await save_and_fail()
    assert await stored_profile(store, profile) is None


async def test_a_profile_of_nobody_is_not_saved(store: Store) -> None:
    with pytest.raises(Exception, match=r".") as error:
        await save(store, Profile(user_id=uuid4(), updated_at=NOW, bio="a"))
    assert not isinstance(error.value, Conflict)


async def test_the_pictures_in_use_are_those_that_members_show(store: Store) -> None:
    ada, bob, eve = a_user("ada"), a_user("bob"), a_user("eve")
    await add(store, ada, bob, eve)
    shown, hidden = uuid4(), uuid4()
    await save(store, Profile(user_id=ada.id, updated_at=NOW, avatar_id=shown))
    await save(store, Profile(user_id=bob.id, updated_at=NOW, bio="no picture"))
    await save(store, Profile(user_id=eve.id, updated_at=NOW, avatar_id=hidden))
    assert await store.profiles.avatars_in_use([ada.id, bob.id, uuid4()]) == {shown}
    assert await store.profiles.avatars_in_use([]) == set()


@examples
@given(bio=st.text(min_size=1, max_size=500))
async def test_every_bio_that_is_taken_comes_back_as_it_was(store: Store, bio: str) -> None:
    ada = a_user("ada")
    try:
        profile = Profile(user_id=ada.id, updated_at=NOW, bio=bio)
    except Invalid:
        return
    await add(store, ada)
    try:
        await save(store, profile)
        found = await store.profiles.member_shown(ada.id)
        assert found is not None
        assert found.profile.bio == bio
    finally:
        await remove(store, ada)

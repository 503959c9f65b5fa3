"""The keys that sign access tokens."""

from dataclasses import replace
from datetime import timedelta

from tests.contracts.builders import NOW, SECOND, a_key
from tests.stores import Store


async def test_keys_come_back_whole_and_newest_first(store: Store) -> None:
    old = a_key("old", retired_at=NOW + SECOND, expires_at=NOW + 60 * SECOND)
    twins = a_key("a", created_at=NOW + SECOND), a_key("b", created_at=NOW + SECOND)
    async with store.transactions.begin() as uow:
        for key in (twins[0], old, twins[1]):
            await uow.signing_keys.add(key)
        assert await uow.signing_keys.all() == [twins[1], twins[0], old]
    assert await store.queries.signing_keys() == [twins[1], twins[0], old]


async def test_a_retirement_is_saved(store: Store) -> None:
    key = a_key("k")
    async with store.transactions.begin() as uow:
        await uow.signing_keys.add(key)
    retired = key.retired(NOW + SECOND, timedelta(minutes=16))
    async with store.transactions.begin() as uow:
        await uow.signing_keys.save(retired)
    assert await store.queries.signing_keys() == [retired]


async def test_saving_a_key_that_is_gone_does_not_bring_it_back(store: Store) -> None:
    async with store.transactions.begin() as uow:
        await uow.signing_keys.save(a_key("k"))
    assert await store.queries.signing_keys() == []


async def test_expired_keys_are_swept_and_no_others(store: Store) -> None:
    current = a_key("current")
    retired = a_key("retired", retired_at=NOW, expires_at=NOW + timedelta(microseconds=1))
    over = replace(retired, kid="over", expires_at=NOW)
    async with store.transactions.begin() as uow:
        for key in (current, retired, over):
            await uow.signing_keys.add(key)
        assert await uow.signing_keys.remove_expired(NOW) == 1
        assert await uow.signing_keys.remove_expired(NOW) == 0
    assert {key.kid for key in await store.queries.signing_keys()} == {"current", "retired"}

"""One-time tokens: one for each purpose, locked with their user."""

import asyncio
from dataclasses import replace
from uuid import uuid4

from domain.identity.email import EmailAddress
from domain.identity.one_time_token import OneTimeToken, Purpose
from tests.contracts.builders import NOW, SECOND, a_token, a_user, add
from tests.stores import Store


async def put(store: Store, *tokens: OneTimeToken) -> None:
    async with store.transactions.begin() as uow:
        for token in tokens:
            await uow.one_time_tokens.put(token)


async def found(store: Store, token: OneTimeToken) -> OneTimeToken | None:
    async with store.transactions.begin() as uow:
        return await uow.one_time_tokens.get(token.id)


async def test_a_token_is_found_as_it_was_put(store: Store) -> None:
    user = a_user()
    await add(store, user)
    token = a_token(user, email=EmailAddress("Ä@B.example", "ä@b.example"), session_id=uuid4())
    await put(store, token)
    assert await found(store, token) == token
    assert await found(store, replace(token, id=uuid4())) is None


async def test_a_newer_one_supersedes_that_of_the_same_purpose(store: Store) -> None:
    user, other = a_user("ada"), a_user("bob")
    await add(store, user, other)
    old, new, different, foreign = (
        a_token(user),
        a_token(user),
        a_token(user, Purpose.VERIFY_EMAIL),
        a_token(other),
    )
    await put(store, old, different, foreign, new)
    assert [await found(store, token) for token in (old, new, different, foreign)] == [None, new, different, foreign]


async def test_those_of_some_purposes_are_removed(store: Store) -> None:
    user, other = a_user("ada"), a_user("bob")
    await add(store, user, other)
    tokens = [a_token(user, purpose) for purpose in Purpose]
    await put(store, *tokens, a_token(other))
    async with store.transactions.begin() as uow:
        assert await uow.one_time_tokens.remove_all_of(user.id, (Purpose.VERIFY_EMAIL, Purpose.INVITATION)) == 2
        assert await uow.one_time_tokens.remove_all_of(user.id) == 2
        assert await uow.one_time_tokens.remove_all_of(user.id) == 0
        assert await uow.one_time_tokens.remove_expired(NOW) == 0
        assert await uow.one_time_tokens.remove_expired(NOW + 3600 * SECOND) == 1


async def test_they_go_with_their_user(store: Store) -> None:
    user = a_user()
    await add(store, user)
    token = a_token(user)
    await put(store, token)
    async with store.transactions.begin() as uow:
        await uow.users.remove(user.id)
    assert await found(store, token) is None


async def test_of_many_who_use_it_at_once_one_finds_it(store: Store) -> None:
    user = a_user()
    await add(store, user)
    token = a_token(user)
    await put(store, token)

    async def use() -> bool:
        async with store.transactions.begin() as uow:
            if await uow.one_time_tokens.get(token.id) is None:
                return False
            await asyncio.sleep(0.01)
            await uow.one_time_tokens.remove_all_of(user.id, (token.purpose,))
            return True

    assert sum(await asyncio.gather(*(use() for _ in range(8)))) == 1

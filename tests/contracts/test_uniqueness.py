"""What is given up can be had by another, and an id is taken once. The rest of it is in the contract of accounts."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from domain.identity.email import EmailAddress
from domain.identity.session import Session
from domain.identity.signing_key import SigningKey
from domain.identity.user import User
from tests.contracts.builders import a_key, a_session, a_user, add, stored
from tests.stores import Store


async def test_a_username_leads_to_who_has_it_now(store: Store) -> None:
    ada = a_user("ada", username="ada")
    await add(store, ada)
    async with store.transactions.begin() as uow:
        await uow.users.save(replace(ada, username=None, email=EmailAddress("new@x.org", "new@x.org")))
    heir = a_user("ada", username="Ada")
    await add(store, heir)
    assert await store.queries.find_user(username_key="ada") == heir.id
    async with store.transactions.begin() as uow:
        await uow.users.remove(heir.id)
    assert await store.queries.find_user(username_key="ada") is None
    await add(store, a_user("ada", username="ada"))


async def test_an_id_is_taken_once(store: Store) -> None:
    """Ids are made by chance, so that this is a bug: it has no name in the domain, but it is not overlooked either."""
    user = a_user("ada")
    session, key = a_session(user), a_key("k")
    await add(store, user, sessions=[session])
    async with store.transactions.begin() as uow:
        await uow.signing_keys.add(key)

    async def add_again(twin: User | Session | SigningKey) -> None:
        async with store.transactions.begin() as uow:
            match twin:
                case User():
                    await uow.users.add(twin)
                case Session():
                    await uow.sessions.add(twin)
                case SigningKey():
                    await uow.signing_keys.add(twin)

    for twin in (a_user("twin", id=user.id), replace(session, counter=9), replace(key, algorithm="none")):
        with pytest.raises((IntegrityError, LookupError)):
            await add_again(twin)
    assert await stored(store, user.id) == user
    assert await store.queries.find_user(email_key="twin@example.com") is None
    assert await store.queries.signing_keys() == [key]

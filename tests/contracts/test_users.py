"""Accounts: the contract of their repository, what is read of them, and what goes with them."""

import pytest
from moothall.contracts.users import BARE, FULL, UserRepositoryContract, UserTransactions

from application.identity.ports import Credentials
from application.identity.views import UserView, shown
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_session, a_user, add
from tests.stores import Store

NOBODY: User = a_user("nobody")


class TestUserRepository(UserRepositoryContract):
    @pytest.fixture
    def transactions(self, store: Store) -> UserTransactions:
        return store.transactions


async def test_views_are_those_of_the_accounts(store: Store) -> None:
    for user in (FULL, BARE, a_user("named", username="named"), a_user("half", last_name="Hopper")):
        await add(store, user)
        assert await store.queries.user(user.id) == shown(user)
    assert await store.queries.user(NOBODY.id) is None


async def test_accounts_are_found_by_their_keys(store: Store) -> None:
    await add(store, FULL, BARE)
    for keys in ({"email_key": "ada@example.com"}, {"username_key": "ada_l"}):
        assert await store.queries.find_user(**keys) == FULL.id
        assert await store.queries.credentials(**keys) == Credentials(FULL.id, FULL.password_hash)
    assert await store.queries.credentials(email_key="bare@example.com") == Credentials(BARE.id, None)


async def test_keys_are_compared_exactly(store: Store) -> None:
    await add(store, FULL)
    for key in ("Ada@example.com", "ada@example.com ", "ada@example.co", "", "ad_@example.com", "a%"):
        assert await store.queries.find_user(email_key=key) is None
        assert await store.queries.credentials(email_key=key) is None
    for key in ("Ada_L", "ada-l", "", "ada%"):
        assert await store.queries.find_user(username_key=key) is None
        assert await store.queries.credentials(username_key=key) is None
    assert await store.queries.find_user() is None
    assert await store.queries.credentials() is None


async def test_text_that_no_store_can_hold_finds_nobody(store: Store) -> None:
    await add(store, FULL)
    for key in ("ada@example.com\0", "\0", "\ud800", "a\udfffb"):
        assert await store.queries.find_user(email_key=key) is None
        assert await store.queries.credentials(username_key=key) is None


async def test_sessions_go_with_their_account(store: Store) -> None:
    ada, grace = a_user("ada"), a_user("grace")
    gone, kept = a_session(ada), a_session(grace)
    await add(store, ada, grace, sessions=[gone, kept])
    async with store.transactions.begin() as uow:
        await uow.users.remove(ada.id)
    assert await store.queries.user(ada.id) is None
    assert await store.queries.owner_of_session(gone.id) is None
    assert await store.queries.owner_of_session(kept.id) == grace.id
    assert await store.queries.signed_in(gone.id, NOW) is None


async def test_who_is_signed_in_is_found_at_once(store: Store) -> None:
    session = a_session(FULL, created_at=NOW + SECOND)
    await add(store, FULL, sessions=[session])
    found = await store.queries.signed_in(session.id, NOW)
    assert found is not None
    assert (found.user, found.signed_in_at) == (shown(FULL), session.created_at)


async def test_views_hold_what_edges_expect(store: Store) -> None:
    await add(store, FULL)
    found = await store.queries.user(FULL.id)
    assert found is not None
    assert isinstance(found.value, UserView)
    assert found.value.roles == ("admin", "member")
    assert found.value.is_superuser
    assert found.value.full_name == "Ada Lovelace"

"""What goes in comes out: any text that may be stored, and times to the microsecond."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.email import EmailAddress
from domain.identity.user import User
from tests.contracts.builders import NOW, a_key, a_session, a_user, add, examples, remove, stored
from tests.stores import Store

MICRO = timedelta(microseconds=1)

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20).filter(str.strip)
moments = st.integers(1, 3_600 * 24 * 365 * 9_998).map(
    lambda n: datetime.min.replace(tzinfo=UTC) + n * 1_000_001 * MICRO
)

HOSTILE = [
    "'; DROP TABLE users; --",
    '"quoted"',
    "back\\slash",
    "%s %(name)s {} ${x} :name ?",
    "\u202eright to left",
    "a\u0301 is not á",
    "İıſK",
    "👩‍👩‍👧‍👦",
    "\u200bzero width",
    "=cmd|' /C calc'!A0",
    "<script>",
    "\ufeffbom",
    "\ue000private\U0010fffd",
    "trailing ",
    "NULL",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_comes_back_as_it_went_in(store: Store, text: str) -> None:
    user = a_user(email=EmailAddress(text, text), first_name=text, last_name=text, password_hash=text)
    session = a_session(user, user_agent=text, address=text, secret_id=text)
    await add(store, user, sessions=[session])
    assert await stored(store, user.id) == user
    assert await store.queries.find_user(email_key=text) == user.id
    async with store.transactions.begin() as uow:
        assert await uow.sessions.get(session.id) == session


@examples
@given(storable, names, names)
async def test_any_text_comes_back_as_it_went_in(store: Store, key: str, first_name: str, last_name: str) -> None:
    user = a_user(email=EmailAddress(key, key), first_name=first_name, last_name=last_name)
    await add(store, user)
    shown = await store.queries.user(user.id)
    assert await stored(store, user.id) == user
    assert await store.queries.find_user(email_key=key) == user.id
    assert shown is not None
    assert (shown.value.email, shown.value.first_name, shown.value.last_name) == (key, first_name, last_name)
    await remove(store, user)


async def test_keys_that_look_alike_are_different(store: Store) -> None:
    alike = [
        "mike@x.org",
        "mıke@x.org",
        "míke@x.org",
        "mi\u0301ke@x.org",
        "MIKE@x.org",
        "mike@x.org ",
        "mike\u200b@x.org",
    ]
    users = [a_user(email=EmailAddress(key, key)) for key in alike]
    await add(store, *users)
    for user in users:
        assert await store.queries.find_user(email_key=user.email.key) == user.id


async def test_bytes_come_back_as_they_went_in(store: Store) -> None:
    every_byte = bytes(range(256))
    key = a_key("k", public_key=every_byte, sealed_private_key=b"")
    async with store.transactions.begin() as uow:
        await uow.signing_keys.add(key)
    assert await store.queries.signing_keys() == [key]


@examples
@given(moments, moments)
async def test_times_come_back_aware_in_utc_and_to_the_microsecond(
    store: Store, created: datetime, signed_in: datetime
) -> None:
    user = a_user(created_at=created, updated_at=created, last_login_at=signed_in)
    session = a_session(user, created_at=created, expires_at=signed_in)
    await add(store, user, sessions=[session])
    found = await stored(store, user.id)
    shown = await store.queries.user(user.id)
    assert found == user
    assert shown is not None
    for moment in (found.created_at, found.last_login_at, shown.value.created_at, shown.value.last_login_at):
        assert moment is not None
        assert moment.utcoffset() == timedelta(0)
    async with store.transactions.begin() as uow:
        assert await uow.sessions.get(session.id) == session
    await remove(store, user)


async def test_times_of_other_zones_are_the_same_moments(store: Store) -> None:
    there = timezone(timedelta(hours=-9, minutes=-30))
    user = a_user(created_at=NOW.astimezone(there), updated_at=NOW.astimezone(there))
    await add(store, user)
    assert await stored(store, user.id) == replace(user, created_at=NOW, updated_at=NOW)


async def test_an_account_survives_being_read_and_saved(store: Store) -> None:
    user: User = a_user(first_name="Zoë", roles=frozenset({"admin"}))
    await add(store, user)
    async with store.transactions.begin() as uow:
        loaded = await uow.users.get(user.id)
        assert loaded is not None
        await uow.users.save(loaded)
    assert await stored(store, user.id) == replace(user, version=2)

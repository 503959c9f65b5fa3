"""Sessions live until they end, run out, or go with their account."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from application.identity.views import SessionView
from application.paging import Position
from domain.identity.session import Impersonation, Session
from tests.contracts.builders import NOW, SECOND, a_session, a_user, add, examples, remove
from tests.contracts.test_roles import patterns
from tests.stores import Store


async def loaded(store: Store, session: Session) -> Session | None:
    async with store.transactions.begin() as uow:
        return await uow.sessions.get(session.id)


async def test_every_field_comes_back(store: Store) -> None:
    user = a_user()
    full, bare = a_session(user, seed=bytes(range(256))), a_session(user, seed=b"", address=None, user_agent=None)
    await add(store, user, sessions=[full, bare])
    assert await loaded(store, full) == full
    assert await loaded(store, bare) == bare


async def test_a_rotation_is_saved(store: Store) -> None:
    user = a_user()
    session = a_session(user)
    await add(store, user, sessions=[session])
    rotated = replace(session, counter=2, rotated_at=NOW + SECOND, last_used_at=NOW + SECOND, user_agent=None)
    async with store.transactions.begin() as uow:
        await uow.sessions.save(rotated)
    assert await loaded(store, session) == rotated


async def test_saving_a_session_that_is_gone_does_not_bring_it_back(store: Store) -> None:
    user = a_user()
    session = a_session(user)
    await add(store, user, sessions=[session])
    async with store.transactions.begin() as uow:
        await uow.sessions.remove(session.id)
    async with store.transactions.begin() as uow:
        await uow.sessions.save(replace(session, counter=2))
    assert await loaded(store, session) is None


@examples
@given(st.frozensets(patterns, max_size=6))
async def test_an_impersonation_comes_back_in_every_way_of_reading(store: Store, permissions: frozenset[str]) -> None:
    user = a_user()
    impersonation = Impersonation(uuid4(), uuid4(), permissions)
    session = a_session(user, impersonation=impersonation)
    await add(store, user, sessions=[session])
    signed_in = await store.queries.signed_in(session.id, NOW)
    rows = await store.queries.sessions_of(user.id, NOW, after=None, offset=0, limit=10)
    assert await loaded(store, session) == session
    assert signed_in is not None
    assert signed_in.impersonation == impersonation
    assert [row.value for row in rows] == [SessionView.of(session)]
    assert rows[0].value.impersonated_by == impersonation.impersonator_id
    await remove(store, user)


async def test_a_session_of_the_members_own_has_no_impersonation(store: Store) -> None:
    user = a_user()
    own = a_session(user)
    other = a_session(user, impersonation=Impersonation(uuid4(), own.id, frozenset({"users:read"})))
    await add(store, user, sessions=[own, other])
    signed_in = await store.queries.signed_in(own.id, NOW)
    assert await loaded(store, own) == own
    assert signed_in is not None
    assert signed_in.impersonation is None
    rows = await store.queries.sessions_of(user.id, NOW, after=None, offset=0, limit=10)
    assert {row.value.id: row.value.impersonated_by for row in rows} == {
        own.id: None,
        other.id: other.impersonation and other.impersonation.impersonator_id,
    }


async def test_saving_a_session_keeps_its_impersonation(store: Store) -> None:
    user = a_user()
    session = a_session(user, impersonation=Impersonation(uuid4(), uuid4(), frozenset({"users:*", "audit:read"})))
    await add(store, user, sessions=[session])
    async with store.transactions.begin() as uow:
        await uow.sessions.save(replace(session, last_used_at=NOW + SECOND))
    assert await loaded(store, session) == replace(session, last_used_at=NOW + SECOND)


async def test_an_impersonation_ends_with_the_member_and_not_with_the_administrator(store: Store) -> None:
    """Each use looks whether the administrator's session is still there: the store does not."""
    admin, member = a_user("admin"), a_user("member")
    theirs = a_session(admin)
    session = a_session(member, impersonation=Impersonation(admin.id, theirs.id, frozenset()))
    await add(store, admin, member, sessions=[theirs, session])
    await remove(store, admin)
    assert await loaded(store, session) == session
    await remove(store, member)
    assert await loaded(store, session) is None


async def test_removing_a_session_tells_whether_it_was_there(store: Store) -> None:
    user = a_user()
    session, other = a_session(user), a_session(user)
    await add(store, user, sessions=[session, other])
    async with store.transactions.begin() as uow:
        assert await uow.sessions.remove(session.id) is True
        assert await uow.sessions.remove(session.id) is False
        assert await uow.sessions.remove(user.id) is False
    async with store.transactions.begin() as uow:
        assert await uow.sessions.remove(session.id) is False
    assert await loaded(store, other) == other


async def test_a_session_needs_its_user(store: Store) -> None:
    session = a_session(a_user())
    with pytest.raises((IntegrityError, LookupError)):
        await add(store, sessions=[session])
    assert await store.queries.owner_of_session(session.id) is None


async def test_all_sessions_of_a_user_end_but_the_one_that_asks(store: Store) -> None:
    ada, grace = a_user("ada"), a_user("grace")
    mine = [a_session(ada) for _ in range(4)]
    hers = a_session(grace)
    await add(store, ada, grace, sessions=[*mine, hers])
    async with store.transactions.begin() as uow:
        assert await uow.sessions.remove_all_of(ada.id, but=mine[0].id) == 3
        assert await uow.sessions.remove_all_of(ada.id, but=mine[0].id) == 0
    assert await loaded(store, mine[0]) == mine[0]
    assert await loaded(store, mine[1]) is None
    async with store.transactions.begin() as uow:
        assert await uow.sessions.remove_all_of(ada.id) == 1
        assert await uow.sessions.remove_all_of(ada.id) == 0
    assert await loaded(store, hers) == hers


async def test_expired_sessions_are_swept_and_no_others(store: Store) -> None:
    user = a_user()
    over = [a_session(user, expires_at=NOW - n * SECOND) for n in range(3)]
    alive = a_session(user, expires_at=NOW + timedelta(microseconds=1))
    await add(store, user, sessions=[*over, alive])
    async with store.transactions.begin() as uow:
        assert await uow.sessions.remove_expired(NOW) == 3
        assert await uow.sessions.remove_expired(NOW) == 0
    assert await loaded(store, alive) == alive


async def test_sweeping_while_sessions_end_disturbs_neither(store: Store) -> None:
    users = [a_user(f"user{n}") for n in range(5)]
    await add(store, *users, sessions=[a_session(user, expires_at=NOW) for user in users for _ in range(4)])

    async def sweep() -> None:
        async with store.transactions.begin() as uow:
            await uow.sessions.remove_expired(NOW)

    async def end(n: int) -> None:
        async with store.transactions.begin() as uow:
            await uow.sessions.remove_all_of(users[n].id)

    await asyncio.gather(sweep(), end(0), sweep(), end(1), end(2), sweep(), end(3), end(4))
    assert [await store.queries.count_sessions_of(user.id, NOW - SECOND) for user in users] == [0] * 5


async def test_who_rotates_a_session_and_who_ends_them_all_do_not_wait_for_each_other_in_a_circle(store: Store) -> None:
    """The one goes from the session to its user, the other from the user to the sessions."""

    async def rotate(session: Session) -> None:
        async with store.transactions.begin() as uow:
            if found := await uow.sessions.get(session.id):
                await uow.users.get(session.user_id)
                await uow.sessions.save(replace(found, counter=found.counter + 1))

    async def end_all(session: Session) -> None:
        async with store.transactions.begin() as uow:
            if user := await uow.users.get(session.user_id):
                await uow.sessions.remove_all_of(user.id)
                await uow.users.save(user)

    for n in range(10):
        user = a_user(f"user{n}")
        sessions = [a_session(user) for _ in range(3)]
        await add(store, user, sessions=sessions)
        await asyncio.gather(*(rotate(session) for session in sessions), end_all(sessions[0]), rotate(sessions[1]))
        assert await store.queries.count_sessions_of(user.id, NOW) == 0


@pytest.mark.parametrize(
    ("user_active", "ends_in", "signed_in"),
    [(True, SECOND, True), (True, 0 * SECOND, False), (True, -SECOND, False), (False, SECOND, False)],
)
async def test_signed_in_is_who_is_active_and_has_a_live_session(
    store: Store, user_active: bool, ends_in: timedelta, signed_in: bool
) -> None:
    user = a_user(is_active=user_active)
    session = a_session(user, expires_at=NOW + ends_in)
    await add(store, user, sessions=[session])
    assert (await store.queries.signed_in(session.id, NOW) is not None) == signed_in


async def test_an_ended_session_is_over_for_the_next_reader(store: Store) -> None:
    user = a_user()
    session = a_session(user)
    await add(store, user, sessions=[session])
    assert await store.queries.signed_in(session.id, NOW) is not None
    async with store.transactions.begin() as uow:
        await uow.sessions.remove(session.id)
    assert await store.queries.signed_in(session.id, NOW) is None


async def test_the_owner_is_told_even_of_an_expired_session(store: Store) -> None:
    user = a_user()
    session = a_session(user, expires_at=NOW - SECOND)
    await add(store, user, sessions=[session])
    assert await store.queries.owner_of_session(session.id) == user.id
    assert await store.queries.owner_of_session(user.id) is None


@examples
@given(st.lists(st.integers(-3, 3), max_size=12), st.integers(1, 5))
async def test_pages_of_sessions_are_the_live_ones_used_last_first(
    store: Store, used: list[int], page_size: int
) -> None:
    user, other = a_user("ada"), a_user("grace")
    sessions = [
        a_session(user, last_used_at=NOW + n * SECOND, expires_at=NOW + (60 * SECOND if n > -3 else 0 * SECOND))
        for n in used
    ]
    await add(store, user, other, sessions=[*sessions, a_session(other)])
    alive = sorted((s for s in sessions if s.expires_at > NOW), key=lambda s: (s.last_used_at, s.id), reverse=True)
    whole = [SessionView.of(session) for session in alive]

    walked: list[SessionView] = []
    after: Position | None = None
    while rows := await store.queries.sessions_of(user.id, NOW, after=after, offset=0, limit=page_size):
        walked += (row.value for row in rows)
        after = rows[-1].position
    numbered = await store.queries.sessions_of(user.id, NOW, after=None, offset=page_size, limit=page_size)

    assert walked == whole
    assert [row.value for row in numbered] == whole[page_size : 2 * page_size]
    assert await store.queries.count_sessions_of(user.id, NOW) == len(whole)
    await remove(store, user, other)

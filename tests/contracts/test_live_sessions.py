"""Many sessions asked for at once are what each of them is alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sql import queries
from application.access.impersonation import IMPERSONATE
from application.identity.known_callers import KnownCallers
from application.identity.ports import SignedIn
from domain.identity.session import Impersonation, Session
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_role, a_session, a_user, add, add_roles, examples, remove
from tests.stores import MEMORY, SQLITE, Store

ROLES = {
    "admin": frozenset({"*"}),
    "steward": frozenset({IMPERSONATE.name, "users:read"}),
    "editor": frozenset({"users:read", "posts:delete"}),
    "member": frozenset[str](),
}


class Counting:
    """The identity queries, counted."""

    def __init__(self, store: Store) -> None:
        self._queries = store.queries
        self.asked: list[int] = []

    async def signed_in(self, session_id: UUID, now: Any) -> SignedIn | None:
        self.asked.append(1)
        return await self._queries.signed_in(session_id, now)

    async def signed_in_all(self, session_ids: Any, now: Any) -> Mapping[UUID, SignedIn]:
        self.asked.append(len(session_ids))
        return await self._queries.signed_in_all(session_ids, now)


def knows(store: Store, identity: Any = None) -> KnownCallers:
    return KnownCallers(identity or store.queries, store.access, store.changes)


async def one_by_one(known: KnownCallers, wanted: Mapping[UUID, UUID], now: Any = NOW) -> dict[UUID, SignedIn]:
    found = {id: await known.live_session(id, user_id, now) for id, user_id in wanted.items()}
    return {id: each for id, each in found.items() if each is not None}


async def test_signed_in_all_is_signed_in_of_each(store: Store) -> None:
    users = [a_user("ada"), a_user("bob", is_active=False), a_user("eve", roles=frozenset({"member", "admin"}))]
    sessions = [a_session(user) for user in users for _ in range(2)]
    over = a_session(users[0], expires_at=NOW)
    await add(store, *users, sessions=[*sessions, over])
    ids = [session.id for session in (*sessions, over)] + [uuid4()]
    alone = {id: await store.queries.signed_in(id, NOW) for id in ids}
    assert await store.queries.signed_in_all(ids, NOW) == {id: each for id, each in alone.items() if each is not None}
    assert await store.queries.signed_in_all([], NOW) == {}


async def test_more_than_one_statement_takes_are_asked_for(database: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    user = a_user()
    sessions = [a_session(user) for _ in range(5)]
    await add(database, user, sessions=sessions)
    assert set(await database.queries.signed_in_all([s.id for s in sessions], NOW)) == {s.id for s in sessions}


people = st.fixed_dictionaries(
    {
        "role": st.sampled_from(sorted(ROLES)),
        "is_active": st.sampled_from([True, True, True, False]),
        "is_over": st.sampled_from([False, False, True]),
        "impersonator": st.none() | st.integers(0, 5),
        "asked": st.sampled_from([frozenset[str](), frozenset({"users:read"}), frozenset({"*"})]),
        "is_right": st.sampled_from([True, True, True, False]),
    }
)


@dataclass
class Crowd:
    users: list[User]
    sessions: list[Session]
    wanted: dict[UUID, UUID]

    @classmethod
    def of(cls, made: list[dict[str, Any]]) -> "Crowd":
        users = [
            a_user(f"m{n}", roles=frozenset({"member", each["role"]}), is_active=each["is_active"])
            for n, each in enumerate(made)
        ]
        sessions: list[Session] = []
        for user, each in zip(users, made, strict=True):
            session = a_session(user, expires_at=NOW if each["is_over"] else NOW + 60 * SECOND)
            number = each["impersonator"]
            if number is not None and number < len(sessions):
                by = sessions[number]
                session = replace(session, impersonation=Impersonation(by.user_id, by.id, each["asked"]))
            sessions.append(session)
        wanted = {
            session.id: session.user_id if each["is_right"] else users[0].id
            for session, each in zip(sessions, made, strict=True)
        }
        return cls(users, sessions, wanted)


async def fill_roles(store: Store) -> None:
    await add_roles(store, a_role("steward", *ROLES["steward"]), a_role("editor", *ROLES["editor"]))


@examples
@given(st.lists(people, max_size=6), st.lists(st.integers(0, 5), max_size=4), st.integers(0, 5), st.integers(0, 3))
async def test_many_at_once_are_what_each_is_alone(
    store: Store, made: list[dict[str, Any]], known_before: list[int], number: int, change: int
) -> None:
    """Whatever was known before, and whatever changed since."""
    if await store.access.role("steward") is None:
        await fill_roles(store)
    crowd = Crowd.of(made)
    await add(store, *crowd.users, sessions=crowd.sessions)
    known = knows(store)
    for place in known_before:
        if place < len(crowd.sessions):
            session = crowd.sessions[place]
            await known.live_session(session.id, session.user_id, NOW)
    await known.live_sessions(dict(list(crowd.wanted.items())[:2]), NOW)
    await _change(store, crowd, number, change)
    wanted = {**crowd.wanted, uuid4(): uuid4()}
    expected = await one_by_one(knows(store), wanted)
    found = [dict(await known.live_sessions(wanted, NOW)) for _ in range(2)]
    after, later = await one_by_one(known, wanted), NOW + 60 * SECOND
    at_the_end = await known.live_sessions(wanted, later), await one_by_one(knows(store), wanted, later)
    await remove(store, *crowd.users)
    assert found == [expected, expected]
    assert after == expected
    assert at_the_end == ({}, {})


async def _change(store: Store, crowd: Crowd, number: int, change: int) -> None:
    if number >= len(crowd.users):
        return
    user, session = crowd.users[number], crowd.sessions[number]
    async with store.transactions.begin() as uow:
        if change == 0:
            await uow.sessions.remove(session.id)
        elif change == 1:
            await uow.users.save(replace(user, roles=frozenset({"member"})))
        elif change == 2:
            await uow.users.save(replace(user, is_active=not user.is_active))


async def test_what_is_known_is_not_read_and_the_rest_in_one_statement(store: Store) -> None:
    await fill_roles(store)
    everything_counts = store.name in (MEMORY, SQLITE)
    expected = [1, 6, 1], [1, 6, 1, 7, 1] if everything_counts else [1, 6, 1, 1]
    assert expected in [await asked_of(store) for _ in range(3)], "whoever begins to listen trusts nothing from before"


async def asked_of(store: Store) -> tuple[list[int], list[int]]:
    """For how many sessions each statement asked, before and after one of them ended."""
    steward, member = a_user(uuid4().hex, roles=frozenset({"steward"})), a_user(uuid4().hex)
    theirs = a_session(steward)
    sessions = [a_session(member) for _ in range(4)]
    acting = [a_session(member, impersonation=Impersonation(steward.id, theirs.id, frozenset())) for _ in range(3)]
    await add(store, steward, member, sessions=[theirs, *sessions, *acting])
    wanted = {session.id: session.user_id for session in (*sessions, *acting)}
    counting = Counting(store)
    known = knows(store, counting)
    await known.live_session(sessions[0].id, member.id, NOW)
    for _ in range(2):
        assert len(await known.live_sessions(wanted, NOW)) == 7
    await known.live_session(sessions[3].id, member.id, NOW)
    before = counting.asked[:]
    async with store.transactions.begin() as uow:
        await uow.sessions.remove(sessions[1].id)
    assert len(await known.live_sessions(wanted, NOW)) == 6
    return before, counting.asked

"""What is remembered of a caller is what the store would say, after whatever was committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.sql import SqlTransactions
from adapters.sql.changes import TRUSTED_FOR
from adapters.sql.engine import connector_of
from adapters.sql.news import ServerNews
from adapters.sql.notices import Notices
from adapters.version_table import VersionTable
from application.identity.known_callers import KnownCallers
from application.identity.ports import SignedIn
from application.identity.user_counts import UserCounts
from application.identity.views import UserFilters
from application.unit_of_work import UnitOfWork
from domain.access.api_keys import ApiKey
from domain.identity.session import Session
from domain.identity.user import User
from tests.contracts.builders import NOW, SECOND, a_role, a_session, a_user, add, add_api_keys, add_roles, an_api_key
from tests.services import execute
from tests.stores import POSTGRESQL, SQLITE, Store, database_url, opened_at

UNTIL_IT_LISTENS = 0.5
"""Seconds."""
CUT_LISTENERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query LIKE '%pg_listening_channels%' AND pid <> pg_backend_pid() AND datname = current_database()"""


@dataclass
class Club:
    """A member with a role, a session and an API key, whom the service has just seen with both."""

    store: Store
    known: KnownCallers
    user: User
    session: Session
    key: ApiKey

    async def remembered(self, known: KnownCallers | None = None) -> tuple[Any, Any]:
        known = known or self.known
        return (
            await known.live_session(self.session.id, self.user.id, NOW),
            await known.key_holder(self.key.digest, NOW),
        )

    async def stored(self) -> tuple[Any, Any]:
        return (
            await self.store.queries.signed_in(self.session.id, NOW),
            await self.store.access.key_holder(self.key.digest, NOW),
        )


@pytest.fixture
async def club(store: Store) -> Club:
    return await a_club(store)


async def a_club(store: Store) -> Club:
    user = a_user(roles=frozenset({"member", "editor"}))
    session, key = a_session(user), an_api_key(user, "users:read")
    await add_roles(store, a_role("editor", "users:read"))
    await add(store, user, sessions=[session])
    await add_api_keys(store, key)
    club = Club(store, knows(store), user, session, key)
    for _ in range(2):  # what a key depends on is known from its first use on
        await club.remembered()
    return club


def knows(store: Store) -> KnownCallers:
    return KnownCallers(store.queries, store.access, store.changes)


Write = Callable[[UnitOfWork, Club], Awaitable[object]]


async def save_role(uow: UnitOfWork, _: Club) -> object:
    role = await uow.roles.get("editor")
    assert role is not None
    return await uow.roles.save(replace(role, permissions=frozenset({"users:delete"})))


WRITES: dict[str, Write] = {
    "the account is changed": lambda uow, club: uow.users.save(replace(club.user, first_name="Ada")),
    "the account is deactivated": lambda uow, club: uow.users.save(replace(club.user, is_active=False)),
    "a role is taken away": lambda uow, club: uow.users.save(replace(club.user, roles=frozenset({"member"}))),
    "the account is deleted": lambda uow, club: uow.users.remove(club.user.id),
    "the member signs in elsewhere": lambda uow, club: uow.users.record_sign_in(
        club.user.id, NOW + SECOND, password_hash="$other$"
    ),
    "the session is ended": lambda uow, club: uow.sessions.remove(club.session.id),
    "all sessions are ended": lambda uow, club: uow.sessions.remove_all_of(club.user.id),
    "the key is revoked": lambda uow, club: uow.api_keys.remove(club.key.id),
    "all keys are revoked": lambda uow, club: uow.api_keys.remove_all_of(club.user.id),
    "a use of the key is noted": lambda uow, club: uow.api_keys.note_use(club.key.id, NOW),
    "the role is changed": save_role,
    "the role is deleted": lambda uow, _: uow.roles.remove("editor", NOW),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_what_is_committed_shows_at_once(club: Club, write: Write) -> None:
    before = await club.remembered()
    async with club.store.transactions.begin() as uow:
        await write(uow, club)
    after = await club.remembered()
    assert after == await club.stored()
    assert after != before


async def test_a_role_that_is_made_anew_gives_its_permissions_at_once(club: Club) -> None:
    await change_role(club, lambda uow: uow.roles.remove("editor", NOW))
    async with club.store.transactions.begin() as uow:
        user = await uow.users.get(club.user.id)
        assert user is not None
        await uow.users.save(replace(user, roles=frozenset({"member", "editor"})))
    await club.remembered()
    await change_role(club, lambda uow: uow.roles.add(a_role("editor", "audit:read")))
    session, _ = await club.remembered()
    assert "audit:read" in session.permissions


async def change_role(club: Club, change: Callable[[UnitOfWork], Awaitable[object]]) -> None:
    async with club.store.transactions.begin() as uow:
        await change(uow)


async def test_what_nobody_changed_is_not_read_again(club: Club) -> None:
    first, second = await club.remembered(), await club.remembered()
    assert first[0] is second[0]
    assert first[1] is second[1]


async def test_members_are_counted_anew_when_there_are_more_or_fewer_or_others(store: Store) -> None:
    counts = UserCounts(store.queries, store.changes)
    everybody, admins = UserFilters(), UserFilters(role="admin")
    seen = [(await counts.of(everybody), await counts.of(admins))]
    user = a_user()
    await add(store, user)
    seen.append((await counts.of(everybody), await counts.of(admins)))
    async with store.transactions.begin() as uow:
        await uow.users.save(replace(user, roles=frozenset({"admin"})))
    seen.append((await counts.of(everybody), await counts.of(admins)))
    async with store.transactions.begin() as uow:
        await uow.users.remove(user.id)
    seen.append((await counts.of(everybody), await counts.of(admins)))
    assert seen == [(0, 0), (1, 0), (1, 1), (0, 0)]


async def test_who_is_not_there_is_not_remembered(store: Store) -> None:
    user = a_user()
    session = a_session(user)
    known = knows(store)
    assert await known.live_session(session.id, user.id, NOW) is None
    await add(store, user, sessions=[session])
    assert await known.live_session(session.id, user.id, NOW) is not None


async def test_a_session_and_a_key_end_when_their_time_is_over_though_remembered(store: Store) -> None:
    user = a_user()
    session, key = a_session(user, expires_at=NOW + SECOND), an_api_key(user, expires_at=NOW + SECOND)
    await add(store, user, sessions=[session])
    await add_api_keys(store, key)
    known = knows(store)
    for _ in range(3):
        assert await known.live_session(session.id, user.id, NOW) is not None
        assert await known.key_holder(key.digest, NOW) is not None
    assert await known.live_session(session.id, user.id, NOW + SECOND) is None
    assert await known.key_holder(key.digest, NOW + SECOND) is None


async def test_a_session_is_nobody_elses(club: Club) -> None:
    assert await club.known.live_session(club.session.id, a_user().id, NOW) is None


async def test_a_read_that_a_write_overtook_is_not_remembered(club: Club) -> None:
    """It began before the commit, and ended after it: the next one has to read again."""
    queries = club.store.queries
    reading, written = asyncio.Event(), asyncio.Event()

    class Slow:
        async def signed_in(self, *place: Any) -> SignedIn | None:
            found = await queries.signed_in(*place)
            reading.set()
            await written.wait()
            return found

    known = KnownCallers(Slow(), club.store.access, club.store.changes)  # type: ignore[arg-type]
    overtaken = asyncio.create_task(known.live_session(club.session.id, club.user.id, NOW))
    await reading.wait()
    async with club.store.transactions.begin() as uow:
        await uow.sessions.remove(club.session.id)
    late = asyncio.create_task(known.live_session(club.session.id, club.user.id, NOW))
    await asyncio.sleep(0)
    written.set()
    assert await overtaken is not None
    assert await late is None


@pytest.fixture(params=[SQLITE, POSTGRESQL])
async def neighbours(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    """One database, as two processes of one machine have it."""
    url = database_url(request.param, tmp_path)
    assert url is not None
    async with opened_at(request.param, url) as one, opened_at(request.param, url) as other:
        yield one, other


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_what_another_process_of_the_machine_commits_shows_at_once(
    neighbours: tuple[Store, Store], write: Write
) -> None:
    here, there = neighbours
    club = await a_club(here)
    elsewhere = knows(there)
    for _ in range(2):
        before = await club.remembered(elsewhere)
    async with here.transactions.begin() as uow:
        await write(uow, club)
    after = await club.remembered(elsewhere)
    assert after == await club.stored()
    assert after != before


Connect = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def machine(url: str | None, connect: Connect | None = None) -> AsyncIterator[Store]:
    """A store that shares no memory with any other; `connect` opens what it listens on."""
    assert url is not None
    async with opened_at(POSTGRESQL, url) as store:
        assert store.engine is not None
        news = ServerNews(Notices(connect or connector_of(store.engine)), VersionTable())
        try:
            yield replace(store, transactions=SqlTransactions(store.engine, news), changes=news.changes)
        finally:
            await news.close()


@pytest.fixture
def url(tmp_path: Path) -> str | None:
    return database_url(POSTGRESQL, tmp_path)


async def test_what_another_machine_commits_is_heard_within_the_second(url: str | None) -> None:
    async with machine(url) as here, machine(url) as there:
        club = await a_club(here)
        elsewhere = knows(there)
        await club.remembered(elsewhere)
        await asyncio.sleep(UNTIL_IT_LISTENS)
        first = await club.remembered(elsewhere)
        await asyncio.sleep(TRUSTED_FOR + 0.2)
        assert (await club.remembered(elsewhere))[0] is first[0], "it is trusted for as long as it listens"
        async with here.transactions.begin() as uow:
            await uow.sessions.remove(club.session.id)
        await asyncio.sleep(1)
        assert (await club.remembered(elsewhere))[0] is None


async def test_who_cannot_listen_trusts_nothing_for_a_second(url: str | None) -> None:
    async def refused() -> Any:
        raise ConnectionRefusedError

    async with machine(url) as here, machine(url, refused) as deaf:
        club = await a_club(here)
        elsewhere = knows(deaf)
        first = await club.remembered(elsewhere)
        assert (await club.remembered(elsewhere))[0] is first[0]
        async with here.transactions.begin() as uow:
            await uow.sessions.remove(club.session.id)
        await asyncio.sleep(1)
        assert (await club.remembered(elsewhere))[0] is None


async def test_what_was_committed_while_nobody_listened_is_not_trusted_afterwards(url: str | None) -> None:
    may_connect = asyncio.Event()
    may_connect.set()

    async def connect() -> Any:
        await may_connect.wait()
        assert here.engine is not None
        return await connector_of(here.engine)()

    assert url is not None
    async with machine(url) as here, machine(url, connect) as there:
        club = await a_club(here)
        elsewhere = knows(there)
        await club.remembered(elsewhere)
        await asyncio.sleep(UNTIL_IT_LISTENS)
        await club.remembered(elsewhere)
        may_connect.clear()
        await execute(url, CUT_LISTENERS)
        async with here.transactions.begin() as uow:
            await uow.sessions.remove(club.session.id)
        await asyncio.sleep(0.1)
        may_connect.set()
        await asyncio.sleep(1)
        assert (await club.remembered(elsewhere))[0] is None


async def test_a_change_of_very_many_things_is_heard_too(url: str | None) -> None:
    async with machine(url) as here, machine(url) as there:
        club = await a_club(here)
        elsewhere = knows(there)
        await club.remembered(elsewhere)
        await asyncio.sleep(UNTIL_IT_LISTENS)
        await club.remembered(elsewhere)
        async with here.transactions.begin() as uow:
            for _ in range(300):
                await uow.sessions.remove(uuid4())
            await uow.sessions.remove(club.session.id)
        await asyncio.sleep(1)
        assert (await club.remembered(elsewhere))[0] is None

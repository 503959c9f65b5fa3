"""Whoever waits may be cancelled at any moment: all of a unit of work happened or nothing, and the store goes on."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import coroutine
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from application.identity.views import UserFilters
from application.paging import Sort
from domain.identity.user import User
from tests.contracts.builders import NOW, a_session, a_user, add, remove, stored
from tests.services import postgres_url, query
from tests.stores import POSTGRESQL, SQLITE, Store

MORE_THAN_ENOUGH = 500


class Cut:
    """Runs work, and cancels it at the n-th moment at which it waits, and `again` so many times, at each moment that
    follows; `reached` tells whether there is an n-th."""

    def __init__(self, work: Coroutine[Any, Any, None], at: int, again: int = 0) -> None:
        self._work = work
        self._moments = range(at, at + again + 1)
        self.reached = False

    async def run(self) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.create_task(self._driven())

    async def _driven(self) -> None:
        await self._step()

    @coroutine
    def _step(self) -> Generator[Any, Any, None]:
        """What `await self._work` does, with a cancellation at one of the moments when it hands control back."""
        waits, sent, thrown = 0, None, None
        while True:
            try:
                waited_for = self._work.send(sent) if thrown is None else self._work.throw(thrown)
            except StopIteration:
                return
            waits += 1
            if waits in self._moments:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                sent, thrown = (yield waited_for), None
            except BaseException as error:
                thrown = error


async def whole_account(store: Store, user: User, *, hold: float = 0) -> None:
    async with store.transactions.begin() as uow:
        await uow.users.add(user)
        await asyncio.sleep(hold)
        await uow.sessions.add(a_session(user))
        await uow.users.save(user.changed(NOW, first_name="Ada"))


@pytest.mark.parametrize("connected", [True, False])
async def test_a_unit_of_work_that_is_cancelled_at_any_wait_happened_whole_or_not_at_all(
    store: Store, connected: bool
) -> None:
    """S33."""
    outcomes = set()
    for n in range(1, MORE_THAN_ENOUGH):
        user = a_user(f"user{n}")
        if store.engine is not None and not connected:
            await store.engine.dispose()
        cut = Cut(whole_account(store, user), at=n)
        await cut.run()
        found = await stored(store, user.id)
        sessions = await store.queries.count_sessions_of(user.id, NOW)
        assert (found and found.first_name, sessions) in {(None, 0), ("Ada", 1)}
        outcomes.add(found is not None)
        await add(store, a_user(f"after{n}"))
        if not cut.reached:
            break
    else:
        raise AssertionError("the work never ended")
    assert outcomes == {False, True}
    await nothing_is_left_open(store)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is not let go of by itself, stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def read_within(store: Store, user: User) -> None:
    async with store.transactions.begin() as uow:
        await uow.users.another_admin_exists(user.id)


async def write_within(store: Store, user: User) -> None:
    async with store.transactions.begin() as uow:
        await uow.users.record_sign_in(user.id, NOW, password_hash="x")


async def read_and_write_within(store: Store, user: User) -> None:
    async with store.transactions.begin() as uow:
        await uow.serialise("accounts")
        await uow.users.another_admin_exists(None)
        loaded = await uow.users.get(user.id)
        assert loaded is not None
        await uow.users.save(loaded.changed(NOW, first_name=f"{loaded.version}"))
        await uow.sessions.add(a_session(user))
        await uow.users.another_admin_exists(user.id)


async def fail_within(store: Store, user: User) -> None:
    with suppress(LookupError):
        async with store.transactions.begin() as uow:
            await uow.users.record_sign_in(user.id, NOW, password_hash="x")
            await uow.users.another_admin_exists(None)
            raise LookupError


async def read_without(store: Store, user: User) -> None:
    await store.queries.users(UserFilters(), Sort("email", descending=False), after=None, offset=0, limit=5)
    await store.queries.user(user.id)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("again", [0, 1, 4])
@pytest.mark.parametrize(
    "work",
    [read_within, write_within, read_and_write_within, fail_within, read_without],
    ids=lambda work: work.__name__,
)
async def test_what_is_cancelled_at_any_wait_keeps_nobody_waiting(
    store: Store, tmp_path: Path, work: Callable[[Store, User], Coroutine[Any, Any, None]], again: int
) -> None:
    """Whoever comes next does the same, and so needs what the one before them held."""
    user = a_user()
    await add(store, user)
    for n in range(1, MORE_THAN_ENOUGH):
        cut = Cut(work(store, user), at=n, again=again)
        await cut.run()
        assert store.engine is None or checked_out(store.engine) == 0, n
        assert store.name != SQLITE or not is_in_use(tmp_path / "moothall.db"), n
        await read_and_write_within(store, user)
        if not cut.reached:
            break
    else:
        raise AssertionError("the work never ended")
    await nothing_is_left_open(store)


def is_in_use(path: Path) -> bool:
    """Whether anybody just reads or writes: the log can only be emptied while nobody does."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return True
    return bool(busy)


def checked_out(engine: AsyncEngine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


async def test_a_read_that_is_cancelled_at_any_wait_leaves_the_store_usable(store: Store) -> None:
    user = a_user()
    await add(store, user)

    async def read() -> None:
        await store.queries.user(user.id)
        await store.queries.users(UserFilters(), Sort("email", descending=False), after=None, offset=0, limit=5)

    for n in range(1, MORE_THAN_ENOUGH):
        cut = Cut(read(), at=n)
        await cut.run()
        assert await store.queries.user(user.id) is not None
        if not cut.reached:
            break
    await nothing_is_left_open(store)


async def test_those_who_wait_for_their_turn_can_be_cancelled(store: Store) -> None:
    first, second, third = (a_user(f"user{n}") for n in range(3))
    async with asyncio.timeout(10):
        running = asyncio.create_task(whole_account(store, first, hold=0.2))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(whole_account(store, second, hold=30))
        last = asyncio.create_task(whole_account(store, third))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(running, waiting, last, return_exceptions=True)
    assert [await stored(store, user.id) is not None for user in (first, second, third)] == [True, False, True]
    await nothing_is_left_open(store)


async def test_a_whole_crowd_can_be_cancelled(store: Store) -> None:
    users = [a_user(f"user{n}") for n in range(40)]
    tasks = [asyncio.create_task(whole_account(store, user, hold=0.001)) for user in users]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for user in users:
        found = await stored(store, user.id)
        assert (found and found.first_name) in {None, "Ada"}
        await remove(store, user)
        await whole_account(store, user)
    await nothing_is_left_open(store)


async def nothing_is_left_open(store: Store) -> None:
    """No connection is checked out, the server knows of no transaction under way, and no thread is forgotten."""
    if store.engine is None:
        return
    assert checked_out(store.engine) == 0
    pool = store.engine.pool
    assert isinstance(pool, QueuePool)
    if store.name == POSTGRESQL:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
        assert await query(postgres_url(), left) == 0
    for _ in range(1000):
        if threads_of_connections() <= pool.checkedin():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{threads_of_connections()} threads for {pool.checkedin()} connections")


def threads_of_connections() -> int:
    return sum("_connection_worker_thread" in thread.name for thread in threading.enumerate())

"""All members at one moment: what the list finds, unmoved by whatever happens while it is read."""

from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given

from adapters.memory import queries as memory_queries
from adapters.sql import snapshots
from application.identity.views import UserFilters, UserView
from domain.errors import Unavailable
from domain.identity.user import User
from tests.contracts.builders import NOW, a_user, add, examples, remove, stored
from tests.contracts.test_cancellation import MORE_THAN_ENOUGH, Cut, checked_out, is_in_use, nothing_is_left_open
from tests.contracts.test_user_lists import EVERYBODY, all_rows, filters, holding, users
from tests.services import execute, postgres_url
from tests.stores import POSTGRESQL, SQLITE, Store, open_store

END_WHAT_IS_IN_TRANSACTION = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state = 'idle in transaction'"
)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory_queries, snapshots):
        monkeypatch.setattr(module, "AT_ONCE", 2)


async def everybody(store: Store, filters: UserFilters = EVERYBODY) -> list[UserView]:
    async with aclosing(store.queries.users_snapshot(filters)) as some_at_a_time:
        return [user async for some in some_at_a_time for user in some]


async def make_five(store: Store) -> list[User]:
    """In the order of their ids."""
    made = sorted((a_user(f"user{n}") for n in range(5)), key=lambda user: user.id)
    await add(store, *made)
    return made


@examples
@given(users, filters)
async def test_it_has_whom_the_list_finds_by_id(store: Store, everyone: list[User], filters: UserFilters) -> None:
    async with holding(store, everyone):
        found = await everybody(store, filters)
        listed = [row.value for row in await all_rows(store, filters)]
    assert found == sorted(listed, key=lambda user: user.id)


@pytest.mark.parametrize("q", ["", "%", "\0", "jose\u0301", "STRASSE", "a' OR '1'='1"])
async def test_hostile_searches_find_whom_the_list_finds(store: Store, q: str) -> None:
    await add(store, a_user("jose", first_name="José", last_name="Müller-Straße"), a_user("bo", last_name="100%"))
    for hostile in (UserFilters(q=q), UserFilters(role=q or None, q=q)):
        found = {user.id for user in await everybody(store, hostile)}
        assert found == {row.value.id for row in await all_rows(store, hostile)}


async def test_what_happens_meanwhile_is_not_in_it(store: Store) -> None:
    first, second, third, fourth, last = await make_five(store)
    snapshot = store.queries.users_snapshot(EVERYBODY)
    seen = list(await anext(snapshot))
    async with store.transactions.begin() as uow:
        await uow.users.remove(third.id)
        read = await uow.users.get(last.id)
        assert read is not None
        await uow.users.save(read.changed(NOW, first_name="Changed", roles=frozenset({"admin"})))
        await uow.users.add(a_user("new"))
    seen += [user async for some in snapshot for user in some]
    assert seen == [UserView.of(user) for user in (first, second, third, fourth, last)]
    now = {user.id: user for user in await everybody(store)}
    assert third.id not in now
    assert (now[last.id].first_name, now[last.id].roles) == ("Changed", ("admin",))
    assert len(now) == 5


async def test_the_moment_is_when_the_first_are_read(store: Store) -> None:
    snapshot = store.queries.users_snapshot(EVERYBODY)
    made = await make_five(store)
    assert [user.id async for some in snapshot for user in some] == [user.id for user in made]


async def test_few_are_read_at_once_and_the_pool_has_all_of_its_connections(store: Store) -> None:
    await make_five(store)
    async with aclosing(store.queries.users_snapshot(EVERYBODY)) as snapshot:
        assert len(await anext(snapshot)) == 2
        assert store.engine is None or checked_out(store.engine) == 0
        assert [len(some) async for some in snapshot] == [2, 1]


async def test_what_is_closed_in_the_middle_or_never_begun_lets_go_of_everything(store: Store, tmp_path: Path) -> None:
    await make_five(store)
    snapshot = store.queries.users_snapshot(EVERYBODY)
    await anext(snapshot)
    assert store.name != SQLITE or is_in_use(tmp_path / "moothall.db")
    await snapshot.aclose()
    await store.queries.users_snapshot(EVERYBODY).aclose()
    assert store.name != SQLITE or not is_in_use(tmp_path / "moothall.db")
    await nothing_is_left_open(store)


@pytest.mark.parametrize("again", [0, 3])
async def test_what_is_cancelled_at_any_wait_lets_go_of_everything(store: Store, tmp_path: Path, again: int) -> None:
    made = await make_five(store)

    async def read() -> None:
        assert len(await everybody(store)) == 5

    for n in range(1, MORE_THAN_ENOUGH):
        cut = Cut(read(), at=n, again=again)
        await cut.run()
        assert store.name != SQLITE or not is_in_use(tmp_path / "moothall.db"), n
        if not cut.reached:
            break
    else:
        raise AssertionError("the work never ended")
    await nothing_is_left_open(store)
    await remove(store, *made)
    assert await stored(store, made[0].id) is None


async def test_a_connection_that_is_lost_on_the_way_is_unavailable(tmp_path: Path) -> None:
    """PostgreSQL ends that of a reader who is too slow, so."""
    async with open_store(POSTGRESQL, tmp_path) as store:
        await add(store, *(a_user(f"user{n}") for n in range(60)))  # some come at once, whatever is asked for
        async with aclosing(store.queries.users_snapshot(EVERYBODY)) as snapshot:
            await anext(snapshot)
            await execute(postgres_url(), END_WHAT_IS_IN_TRANSACTION)
            with pytest.raises(Unavailable) as refused:
                async for _ in snapshot:
                    pass
        assert refused.value.code == "database-unavailable"
        await nothing_is_left_open(store)

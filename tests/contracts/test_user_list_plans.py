"""What PostgreSQL reads for a page of many members: about as much as the page has, wherever it begins.

The statements are those that the adapter sends. Rows are counted, not seconds.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters.sql import Database, Schema, create_engine
from adapters.sql.tables import USER_ORDERS
from application.identity.views import USER_SORTS, UserFilters, UserView
from application.paging import Position, Row, Sort
from tests import many_members
from tests.contracts.builders import stored
from tests.contracts.plans import Asked, Done
from tests.many_members import COMMON_WORD, RARE_WORD, RARER_WORD, UNKNOWN_WORD, USUAL_WORD
from tests.services import empty_postgres_url, wait_for
from tests.stores import POSTGRESQL, Store, sql_store

MEMBERS = 15_000
PAGE = 21  # the rows of a usual page, and the one that tells whether there is another
LONG_PAGE = 2_000
SAMPLED = 160  # accounts of the sample that are looked at for one count, at most
MERGED = 4  # parts, each of which may have been asked for a row that the page had no room for
SORTS = [Sort(field, descending) for field in USER_SORTS for descending in (False, True)]
BY_TIME = [sort for sort in SORTS if sort.by_time]


@pytest.fixture(scope="module")
def url() -> str:
    url = empty_postgres_url()

    async def fill() -> None:
        engine = create_engine(Database(url))
        await Schema(engine).upgrade()
        await engine.dispose()
        await many_members.fill(url, MEMBERS)

    wait_for(fill())
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """With one connection, so that it sees everything prepared."""
    engine = create_engine(Database(url, pool_size=1, max_overflow=0))
    store = sql_store(POSTGRESQL, engine)
    yield store
    await engine.dispose()


async def page(
    store: Store, filters: UserFilters, sort: Sort, after: Position | None = None, limit: int = PAGE
) -> list[Row[UserView]]:
    return await store.queries.users(filters, sort, after=after, offset=0, limit=limit)


async def truth(store: Store, condition: str, sort: Sort, offset: int = 0, limit: int = PAGE) -> list[Position]:
    """Read and sorted by PostgreSQL in the plainest way."""
    column, way = USER_ORDERS[sort.field], "DESC" if sort.descending else "ASC"
    assert store.engine is not None
    async with store.engine.connect() as connection:
        rows = await connection.exec_driver_sql(
            f"SELECT {column}, id FROM users u WHERE {condition}"  # noqa: S608
            f" ORDER BY {column} {way}, id {way} OFFSET {offset} LIMIT {limit}"
        )
        return [Position(value, UUID(str(user_id))) for value, user_id in rows]


async def how_many(store: Store, condition: str) -> int:
    assert store.engine is not None
    async with store.engine.connect() as connection:
        return int(
            (await connection.exec_driver_sql(f"SELECT count(*) FROM users u WHERE {condition}")).scalar_one()  # noqa: S608
        )


async def shown(
    store: Store, filters: UserFilters, condition: str, sort: Sort, begin: int
) -> tuple[list[Row[UserView]], Done]:
    """The page behind the first `begin`, which is found to be right, and what was done for it."""
    before = await truth(store, condition, sort, begin - 1, 1) if begin else []
    asked = Asked.on(store.engine)
    rows = await page(store, filters, sort, before[0] if before else None)
    done = await asked.done()
    assert [row.position for row in rows] == await truth(store, condition, sort, begin)
    return rows, done


def holds(role: str) -> str:
    return f"EXISTS (SELECT FROM user_roles WHERE user_id = u.id AND role = '{role}')"


LISTS = [
    (UserFilters(), "true"),
    (UserFilters(is_active=True), "is_active"),
    (UserFilters(is_active=False), "NOT is_active"),
    (UserFilters(is_verified=True), "is_verified"),
    (UserFilters(is_verified=False), "NOT is_verified"),
    (UserFilters(is_active=False, is_verified=False), "NOT is_active AND NOT is_verified"),
    (UserFilters(role="member"), holds("member")),
    (UserFilters(role="editor"), holds("editor")),
    (UserFilters(role="admin"), holds("admin")),
    (UserFilters(role="nobody"), "false"),
    (UserFilters(role="editor", is_active=True), f"{holds('editor')} AND is_active"),
    (UserFilters(role="editor", is_verified=False), f"{holds('editor')} AND NOT is_verified"),
    (UserFilters(role="member", is_active=False, is_verified=False),
     f"{holds('member')} AND NOT is_active AND NOT is_verified"),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "condition"), LISTS)
async def test_a_page_reads_what_it_shows_in_every_order_at_every_depth(
    store: Store, filters: UserFilters, condition: str
) -> None:
    """An account is read once, and for a role's holders the entry that names it too."""
    holders = await how_many(store, condition)
    for sort in SORTS:
        for begin in (0, holders // 2, holders * 98 // 100):
            rows, done = await shown(store, filters, condition, sort, begin)
            shown_roles = sum(len(row.value.roles) for row in rows)
            assert done.rows_read - shown_roles <= 2 * len(rows) + 2 * MERGED, (sort, begin, done.steps)
            whole = {"Sort", "Seq Scan", "Hash Join", "Bitmap Heap Scan"}
            assert not (rows and done.kinds & whole), (sort, begin, done.steps)


@pytest.mark.parametrize(
    ("filters", "condition", "sort"),
    [(filters, condition, sort) for (filters, condition), sort in zip(LISTS[::2], SORTS, strict=False)],
)
async def test_pages_put_together_are_the_whole_list_once(
    store: Store, filters: UserFilters, condition: str, sort: Sort
) -> None:
    found: list[Position] = []
    while rows := await page(store, filters, sort, found[-1] if found else None, LONG_PAGE):
        found += (row.position for row in rows)
    assert found == await truth(store, condition, sort, limit=MEMBERS)


def has(*words: str) -> str:
    return " AND ".join(f"search_text LIKE '% {word}%'" for word in words)


FEW = [
    (UserFilters(q=RARE_WORD), has(RARE_WORD)),
    (UserFilters(q=RARER_WORD), has(RARER_WORD)),
    (UserFilters(q=USUAL_WORD), has(USUAL_WORD)),
    (UserFilters(q=f"{COMMON_WORD} {USUAL_WORD}"), has(COMMON_WORD, USUAL_WORD)),
    (UserFilters(q=UNKNOWN_WORD), "false"),
    (UserFilters(q=RARE_WORD, role="member"), has(RARE_WORD)),
    (UserFilters(q=USUAL_WORD, role="editor"), f"{has(USUAL_WORD)} AND {holds('editor')}"),
    (UserFilters(q=USUAL_WORD, is_active=True, is_verified=False),
     f"{has(USUAL_WORD)} AND is_active AND NOT is_verified"),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "condition"), FEW)
async def test_words_of_few_are_found_by_their_beginnings_and_sorted(
    store: Store, filters: UserFilters, condition: str
) -> None:
    """No one else's account is read."""
    assert filters.q is not None
    words = filters.q.split()
    rarest, wanted = min([await how_many(store, has(word)) for word in words]), await how_many(store, condition)
    sampled = rarest // 16 + 10 if len(words) == 1 else 3 * SAMPLED
    for sort in SORTS:
        for begin in (0, wanted // 2):
            _, done = await shown(store, filters, condition, sort, begin)
            assert "ix_users_words" in done.indexes
            assert done.rows_read_from("users") <= rarest + sampled, (sort, begin, done.steps)
            assert "Seq Scan" not in done.kinds
    assert await store.queries.count_users(filters) == wanted


MANY = [
    (UserFilters(q="com example"), has("com", "example")),
    (UserFilters(q="member"), has("member")),
    (UserFilters(q="member", is_active=False), f"{has('member')} AND NOT is_active"),
    (UserFilters(q="member", is_verified=True), f"{has('member')} AND is_verified"),
    (UserFilters(q="member", role="member"), f"{has('member')} AND {holds('member')}"),
    (UserFilters(q="member", role="admin"), f"{has('member')} AND {holds('admin')}"),
]


@pytest.mark.parametrize(("filters", "condition"), MANY)
async def test_words_of_many_are_found_in_order(store: Store, filters: UserFilters, condition: str) -> None:
    """Most accounts have the words, so that a page is soon full; only the sample is read besides. Where these stand
    together at the other end of an order, as all without a username do among the usernames, they are far away."""
    wanted = await how_many(store, condition)
    for sort in SORTS:
        for begin in (0, wanted // 2):
            _, done = await shown(store, filters, condition, sort, begin)
            assert "ix_users_words_sample" in done.indexes
            assert "ix_users_words" not in done.indexes
            assert not done.kinds & {"Sort", "Seq Scan", "Hash Join"}, (sort, begin, done.steps)
            if sort.by_time:
                assert done.rows_read <= 1000, (sort, begin, done.steps)
    assert await store.queries.count_users(filters) == wanted


async def test_the_accounts_have_the_words_that_the_domain_would_give_them(store: Store) -> None:
    for row in await page(store, UserFilters(), Sort("email", descending=False)):
        user = await stored(store, row.position.id)
        assert user is not None
        assert await how_many(store, f"id = '{user.id}' AND search_text = '{user.search_text}'") == 1


@pytest.mark.parametrize(
    "kept_for", [UserFilters(role="admin"), UserFilters(role="nobody"), UserFilters(role="member")]
)
async def test_a_statement_that_was_kept_prepared_for_one_role_reads_no_more_for_another(
    store: Store, kept_for: UserFilters
) -> None:
    """PostgreSQL may in the end take a plan that is for any role whatever."""
    asked = Asked.on(store.engine)
    await page(store, kept_for, BY_TIME[0], Position(datetime(2020, 1, 2, tzinfo=UTC), UUID(int=1)))
    await page(store, UserFilters(role="member"), BY_TIME[0], Position(datetime(2020, 1, 2, tzinfo=UTC), UUID(int=1)))
    done = await asked.done_when_kept()
    assert done.rows_read <= 3 * PAGE + 3 * MERGED, done.steps

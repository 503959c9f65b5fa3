"""What a database reads for a page of many posts: about as much as the page has, wherever it begins.

The statements are those that the adapter sends. Rows and steps are looked at, not seconds.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.sql import Database, Schema, create_engine
from application.paging import Position, Sort
from application.posts.views import POST_SORTS, PostFilters
from tests import many_posts
from tests.contracts.plans import Asked
from tests.many_posts import AN_AUTHOR, COMMON_WORD, RARE_WORD, UNKNOWN_WORD, USUAL_WORD
from tests.services import empty_postgres_url, wait_for
from tests.stores import POSTGRESQL, SQLITE, Store, sql_store

POSTS = 20_000
PAGE = 21  # the rows of a usual page, and the one that tells whether there is another
SAMPLED = 160  # posts of the sample that are looked at for one count, at most

PUBLISHED = [PostFilters(is_published=True), PostFilters(AN_AUTHOR, is_published=True)]
WITH_DRAFTS = [PostFilters(is_published=False), PostFilters(AN_AUTHOR, is_published=False), PostFilters(AN_AUTHOR)]
LISTS = [(filters, Sort(field, way)) for filters in PUBLISHED for field in POST_SORTS for way in (True, False)]
LISTS += [(filters, Sort("created_at", way)) for filters in WITH_DRAFTS for way in (True, False)]


@pytest.fixture(scope="module", params=[SQLITE, POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    directory: Path = tmp_path_factory.mktemp("posts")
    url = empty_postgres_url() if request.param == POSTGRESQL else f"sqlite:///{directory}/moothall.db"

    async def fill() -> None:
        engine = create_engine(Database(url, timeout=60))
        await Schema(engine).upgrade()
        await many_posts.fill(engine, POSTS)
        await engine.dispose()

    wait_for(fill())
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    engine = create_engine(Database(url, pool_size=1, max_overflow=0))
    yield sql_store(engine.dialect.name, engine)
    await engine.dispose()


async def middle(store: Store, filters: PostFilters, sort: Sort) -> Position:
    """Where the second half of the list begins."""
    half = await store.posts.count_posts(filters) // 2
    [row] = await store.posts.posts(filters, sort, after=None, offset=half, limit=1)
    return row.position


@pytest.mark.parametrize(("filters", "sort"), LISTS)
async def test_a_page_follows_an_index_at_every_depth(store: Store, filters: PostFilters, sort: Sort) -> None:
    """Nothing is sorted, no table is read through, and of each post its author is read by the key."""
    for after in (None, await middle(store, filters, sort)):
        asked = Asked.on(store.engine)
        rows = await store.posts.posts(filters, sort, after=after, offset=0, limit=PAGE)
        assert len(rows) == PAGE
        if store.name == SQLITE:
            of_posts, of_users = sorted(await asked.plan())
            assert of_posts.startswith("SEARCH posts USING INDEX ix_posts_"), of_posts
            assert of_users.startswith("SEARCH users USING INDEX"), of_users
        else:
            done = await asked.done()
            assert not done.kinds & {"Sort", "Incremental Sort", "Seq Scan", "Bitmap Heap Scan", "Hash Join"}, (
                done.steps
            )
            assert done.rows_read_from("posts") == PAGE, done.steps
            assert done.rows_read_from("users") <= PAGE, done.steps


@pytest.mark.parametrize("q", [RARE_WORD, UNKNOWN_WORD, USUAL_WORD, f"{COMMON_WORD} {RARE_WORD}"])
async def test_words_of_few_are_gathered_by_their_index(store: Store, q: str) -> None:
    """No other post is read, but for those of the sample."""
    filters, sort = PostFilters(is_published=True, q=q), Sort("published_at", descending=True)
    wanted = await store.posts.count_posts(PostFilters(q=q))
    asked = Asked.on(store.engine)
    rows = await store.posts.posts(filters, sort, after=None, offset=0, limit=PAGE)
    assert len(rows) == min(PAGE, await store.posts.count_posts(filters))
    asked.statements.pop()
    if store.name == SQLITE:
        steps = await asked.plan()
        assert any("VIRTUAL TABLE" in step for step in steps), steps
        assert not any(step.startswith("SCAN posts") or "ix_posts" in step for step in steps), steps
    else:
        done = await asked.done()
        assert "ix_posts_words" in done.indexes, done.steps
        assert "Seq Scan" not in {step["Node Type"] for step in done.steps if step.get("Relation Name") == "posts"}
        assert done.rows_read_from("posts") <= wanted + 3 * SAMPLED + PAGE, done.steps


@pytest.mark.parametrize("q", [COMMON_WORD, COMMON_WORD[:1], f"on {COMMON_WORD}"])
async def test_words_of_many_are_looked_for_along_the_order(store: Store, q: str) -> None:
    filters, sort = PostFilters(is_published=True, q=q), Sort("published_at", descending=True)
    for after in (None, await middle(store, filters, sort)):
        asked = Asked.on(store.engine)
        rows = await store.posts.posts(filters, sort, after=after, offset=0, limit=PAGE)
        assert len(rows) == PAGE
        if store.name == SQLITE:
            steps = await asked.plan()
            assert steps[0].startswith("SEARCH posts USING INDEX ix_posts_is_published_published_at"), steps
            assert not any("TEMP B-TREE" in step for step in steps), steps
        else:
            done = await asked.done()
            assert "ix_posts_words" not in done.indexes
            assert not done.kinds & {"Sort", "Seq Scan"}, done.steps
            assert done.rows_read_from("posts") <= 2 * PAGE + 3 * POSTS // 64, done.steps


async def test_pages_by_words_put_together_are_the_whole_list_once(store: Store) -> None:
    sort = Sort("published_at", descending=True)
    for q in (USUAL_WORD, "topic1", f"{USUAL_WORD} topic1"):
        filters = PostFilters(is_published=True, q=q)
        found: list[Position] = []
        while rows := await store.posts.posts(filters, sort, after=found[-1] if found else None, offset=0, limit=500):
            found += (row.position for row in rows)
        assert len(found) == await store.posts.count_posts(filters) > 0
        assert found == sorted(set(found), key=lambda at: (at.value, at.id), reverse=True)

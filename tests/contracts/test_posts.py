"""Posts: what each store keeps, lists and finds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.identity.views import UserView
from application.paging import Position, Sort
from application.posts.views import AuthorView, PostFilters, shown_post
from domain.errors import Conflict
from domain.identity.user import User
from domain.posts.post import LONGEST_CONTENT, LONGEST_WORD, Post
from tests.contracts.builders import NOW, SECOND, a_post_by, a_user, add, examples, remove
from tests.contracts.plans import Asked
from tests.stores import STORES, Store, open_store

BY_PUBLISHED, BY_CREATED = Sort("published_at", descending=True), Sort("created_at", descending=True)
ADA = a_user("ada", username="ada", first_name="Ada", last_name="King")
BOB = a_user("bob", username="bob")


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[list[Store]]:
    """All of them side by side, with Ada in each."""
    (tmp_path / "one").mkdir()
    async with (
        open_store(STORES[0], tmp_path) as first,
        open_store(STORES[1], tmp_path / "one") as second,
        open_store(STORES[2], tmp_path) as third,
    ):
        for store in (first, second, third):
            await add(store, ADA)
        yield [first, second, third]


def a_post(title: str = "On bees", content: str = "", author: User = ADA, **fields: Any) -> Post:
    return a_post_by(author, title=title, content=content, **fields)


def a_draft(title: str = "On wasps", content: str = "", author: User = ADA, **fields: Any) -> Post:
    return a_post(title, content, author, **{"is_published": False, "published_at": None, **fields})


async def add_posts(store: Store, *posts: Post) -> None:
    async with store.transactions.begin() as uow:
        for post in posts:
            await uow.posts.add(post)


async def ids(store: Store, filters: PostFilters, sort: Sort = BY_CREATED, limit: int = 1000) -> list[UUID]:
    rows = await store.posts.posts(filters, sort, after=None, offset=0, limit=limit)
    assert await store.posts.count_posts(filters) == len(rows) or limit < 1000
    return [row.value.id for row in rows]


async def found(store: Store, q: str) -> set[UUID]:
    return set(await ids(store, PostFilters(q=q)))


async def test_a_post_is_read_as_it_was_stored_with_its_author(store: Store) -> None:
    post = a_post("Ünïcode 🐝", "  <b>bold</b>\r\n\tand \u2028 'quotes' \\ %s :name\n\n", updated_at=NOW + SECOND)
    await add(store, ADA)
    await add_posts(store, post)
    assert await store.posts.post(post.id) == shown_post(post, AuthorView.of(UserView.of(ADA)))
    async with store.transactions.begin() as uow:
        assert await uow.posts.get(post.id) == post
        assert await uow.posts.get(uuid4()) is None
    assert await store.posts.post(uuid4()) is None


async def test_a_saved_post_is_one_version_on(store: Store) -> None:
    post = a_draft()
    await add(store, ADA)
    await add_posts(store, post)
    async with store.transactions.begin() as uow:
        saved = await uow.posts.save(post.changed(NOW + SECOND, title="On hornets", is_published=True))
    assert saved.version == 2
    assert await store.posts.post(post.id) == shown_post(saved, AuthorView.of(UserView.of(ADA)))
    assert await found(store, "wasps") == set()
    assert await found(store, "hornets") == {post.id}


async def test_an_older_version_is_not_saved(store: Store) -> None:
    post = a_draft()
    await add(store, ADA)
    await add_posts(store, post)
    async with store.transactions.begin() as uow:
        await uow.posts.save(post.changed(NOW, title="first"))
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.posts.save(post.changed(NOW, title="second"))
    assert refused.value.code == "changed-meanwhile"
    assert await found(store, "first") == {post.id}


async def test_what_was_rolled_back_is_not_found(store: Store) -> None:
    await add(store, ADA)

    async def fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.posts.add(a_post())
            raise RuntimeError("something went wrong on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        await fail()
    assert await found(store, "bees") == set()
    assert await ids(store, PostFilters()) == []


async def test_a_removed_post_is_found_no_more(store: Store) -> None:
    gone, stays = a_post(), a_post()
    await add(store, ADA)
    await add_posts(store, gone, stays)
    async with store.transactions.begin() as uow:
        await uow.posts.remove(gone.id)
        await uow.posts.remove(uuid4())
    assert await found(store, "bees") == {stays.id} == set(await ids(store, PostFilters()))


async def test_posts_go_with_their_author(store: Store) -> None:
    hers, his = a_post(), a_post(author=BOB)
    await add(store, ADA, BOB)
    await add_posts(store, hers, his)
    await remove(store, ADA)
    assert await store.posts.post(hers.id) is None
    assert await found(store, "bees") == {his.id} == set(await ids(store, PostFilters()))


async def test_posts_are_filtered_by_author_and_state(store: Store) -> None:
    hers, draft, his = a_post(), a_draft(), a_post(author=BOB)
    await add(store, ADA, BOB)
    await add_posts(store, hers, draft, his)
    assert set(await ids(store, PostFilters())) == {hers.id, draft.id, his.id}
    assert set(await ids(store, PostFilters(author_id=ADA.id))) == {hers.id, draft.id}
    assert await ids(store, PostFilters(ADA.id, is_published=True), BY_PUBLISHED) == [hers.id]
    assert await ids(store, PostFilters(is_published=False)) == [draft.id]
    assert await ids(store, PostFilters(BOB.id, q="bee")) == [his.id]
    assert await ids(store, PostFilters(uuid4())) == []


@pytest.mark.parametrize("q", [None, "bees"])
@pytest.mark.parametrize("sort", [Sort(name, way) for name in ("published_at", "created_at") for way in (True, False)])
async def test_pages_put_together_are_the_whole_list_in_order(store: Store, sort: Sort, q: str | None) -> None:
    """Ties, which are broken by the id, included."""
    await add(store, ADA)
    posts = [a_post(published_at=NOW + (n * 7 % 5) * SECOND, created_at=NOW - (n * 3 % 4) * SECOND) for n in range(17)]
    await add_posts(store, *posts)
    filters = PostFilters(is_published=True, q=q)
    seen: list[UUID] = []
    after: Position | None = None
    while rows := await store.posts.posts(filters, sort, after=after, offset=0, limit=4):
        seen += [row.value.id for row in rows]
        after = rows[-1].position
    in_order = sorted(posts, key=lambda post: (getattr(post, sort.field), post.id), reverse=sort.descending)
    assert seen == [post.id for post in in_order]
    by_number = await store.posts.posts(filters, sort, after=None, offset=8, limit=4)
    assert [row.value.id for row in by_number] == seen[8:12]


async def test_words_are_found_by_their_beginnings_and_all_have_to_be_there(store: Store) -> None:
    one = a_post("The Honey-bee", "lives in ＨＩＶＥＳ, with 40000 others. Straße")
    two = a_post("Beeswax", "is what hives are made of")
    await add(store, ADA)
    await add_posts(store, one, two)
    assert await found(store, "BEE") == {one.id, two.id}
    assert await found(store, "bee hive") == {one.id, two.id}
    assert await found(store, "hives hon bee") == {one.id}
    assert await found(store, "strasse 40") == {one.id}
    assert await found(store, "oney") == set()
    assert await found(store, "bee wasp") == set()
    assert await found(store, "bee bee  bee") == {one.id, two.id}


@pytest.mark.parametrize("q", ["", " ", "-", "'", '"', "*", "&|!():*", "🐝", "\0", "\ud800", "\\", "%"])
async def test_a_search_without_a_word_finds_nothing(store: Store, q: str) -> None:
    await add(store, ADA)
    await add_posts(store, a_post("🐝 & '\"*() :!", "% \\ -- 🐝"), a_post())
    assert await found(store, q) == set()


@pytest.mark.parametrize(
    "q", ["bees'", '"bees"', "bees:*", "bees AND OR NOT", "bees NEAR(x)", "search_text:bees", "^bees"]
)
async def test_what_means_something_to_a_database_means_nothing_here(store: Store, q: str) -> None:
    post = a_post("bees and or not near x search text")
    await add(store, ADA)
    await add_posts(store, post)
    assert await found(store, q) == {post.id}


async def test_long_words_are_told_apart_by_their_beginnings(store: Store) -> None:
    long = a_post("a" * 255, "ß" * 5_000)
    await add(store, ADA)
    await add_posts(store, long)
    assert await found(store, "a" * (LONGEST_WORD - 1)) == {long.id}
    assert await found(store, "a" * LONGEST_WORD + "b") == {long.id}
    assert await found(store, "a" * (LONGEST_WORD - 1) + "b") == set()
    assert await found(store, "s" * 150) == {long.id}


async def test_text_without_blanks_is_one_word(store: Store) -> None:
    """As Chinese and Japanese are written: it is found by its beginning alone."""
    post = a_post("集会所は町の人々が集まる家です")
    await add(store, ADA)
    await add_posts(store, post)
    assert await found(store, "集会") == {post.id}
    assert await found(store, "町の人々") == set()


LONG = {
    "distinct words": " ".join(f"{n:x}" for n in range(20_000))[:LONGEST_CONTENT],
    "one word": "x" * LONGEST_CONTENT,
    "symbols": "🐝" * LONGEST_CONTENT,
    "wide letters": "".join(f"{chr(0x20000 + n % 40_000)} " for n in range(LONGEST_CONTENT // 2)),
    "what folding makes long": "".join(f"{chr(0x4E00 + n % 20_000)}\ufdfa" for n in range(LONGEST_CONTENT // 2)),
}


@pytest.mark.parametrize("kind", LONG)
async def test_the_longest_contents_are_stored_and_found(store: Store, kind: str) -> None:
    post = a_post("zenith", LONG[kind])
    await add(store, ADA)
    await add_posts(store, post)
    assert await found(store, "zen") == {post.id}
    if kind == "distinct words":
        assert await found(store, "4a1f 1ab 3") == {post.id}
    async with store.transactions.begin() as uow:
        assert await uow.posts.get(post.id) == post
        await uow.posts.save(post.changed(NOW, title="nadir"))
    assert await found(store, "zen") == set()


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("aAbBß ſİıﬁ²x1 -ａ\u0301é "), max_size=30
)


@examples
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6),
    words=st.lists(TEXTS | st.text("abß 1", max_size=4), max_size=4),
    cut=st.integers(1, 5),
)
async def test_every_store_finds_the_same(stores: list[Store], texts: list[str], words: list[str], cut: int) -> None:
    """Whatever is written and whatever is looked for; also by beginnings of what is there."""
    posts = [a_post("post", text) for text in texts]
    memory, *databases = stores
    for store in stores:
        await add_posts(store, *posts)
    try:
        for q in (*words, *(part[:cut] for text in texts for part in text.split()[:3]), " ".join(words)[:200]):
            expected = await found(memory, q)
            for store in databases:
                assert await found(store, q) == expected, (store.name, q)
    finally:
        for store in stores:
            async with store.transactions.begin() as uow:
                for post in posts:
                    await uow.posts.remove(post.id)


@pytest.mark.parametrize("q", [None, "bees"])
async def test_a_page_of_many_costs_as_many_statements_as_one_of_one(database: Store, q: str | None) -> None:
    authors = [a_user(f"author{n}") for n in range(100)]
    await add(database, *authors)
    asked = Asked.on(database.engine)
    counts = []
    for author in (authors[:1], authors[1:]):
        await add_posts(database, *(a_post(author=one, published_at=NOW + timedelta(1)) for one in author))
        asked.statements.clear()
        rows = await database.posts.posts(
            PostFilters(is_published=True, q=q), BY_PUBLISHED, after=None, offset=0, limit=100
        )
        counts.append((len(asked.statements), len(rows)))
    assert [rows for _, rows in counts] == [1, 100]
    assert counts[0][0] == counts[1][0] == (1 if q is None else 2)

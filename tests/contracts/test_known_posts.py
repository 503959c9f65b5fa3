"""What is kept of posts is as it is stored, at the next look."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.sql.changes import TRUSTED_FOR
from application.paging import PageRequest
from application.posts.known_posts import LONGEST_KNOWN, LONGEST_PAGE, NEWEST_PUBLISHED, PUBLISHED, KnownPosts
from domain.posts.post import LONGEST_CONTENT, Post
from tests.contracts.builders import NOW, SECOND, a_user, add, remove
from tests.contracts.test_posts import ADA, BOB, a_draft, a_post, add_posts
from tests.stores import STORES, Store, open_store


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(request.param, tmp_path) as opened:
        await add(opened, ADA, BOB)
        yield opened


@pytest.fixture
def known(store: Store) -> KnownPosts:
    return KnownPosts(store.posts, store.changes)


async def save(store: Store, post: Post, **changes: object) -> Post:
    async with store.transactions.begin() as uow:
        return await uow.posts.save(post.changed(NOW + SECOND, **changes))


async def titles(known: KnownPosts, page: PageRequest = PageRequest()) -> list[str]:
    return [post.title for post in (await known.page(PUBLISHED, NEWEST_PUBLISHED, page)).items]


async def test_a_published_post_is_kept_from_the_second_look_on(store: Store, known: KnownPosts) -> None:
    post = a_post()
    await add_posts(store, post)
    looks = [await known.post(post.id) for _ in range(4)]
    assert looks[0] == looks[1] == await store.posts.post(post.id)
    assert looks[1] is looks[2] is looks[3]


@pytest.mark.parametrize("post", [a_draft(), a_post(content="x" * (LONGEST_KNOWN + 1))], ids=["draft", "long"])
async def test_drafts_and_long_posts_are_read_each_time(store: Store, known: KnownPosts, post: Post) -> None:
    await add_posts(store, post)
    looks = [await known.post(post.id) for _ in range(3)]
    assert looks[0] == looks[1] == looks[2]
    assert looks[1] is not looks[2]


@pytest.mark.parametrize("change", [{"is_published": False}, {"content": "x" * (LONGEST_KNOWN + 1)}])
async def test_one_that_becomes_a_draft_or_long_is_kept_no_more(
    store: Store, known: KnownPosts, change: dict[str, object]
) -> None:
    post = a_post()
    await add_posts(store, post)
    await known.post(post.id)
    await known.post(post.id)
    await save(store, post, **change)
    looks = [await known.post(post.id) for _ in range(3)]
    assert looks[0] == looks[1] == looks[2] == await store.posts.post(post.id)
    assert looks[1] is not looks[2]


async def test_a_first_page_of_long_posts_is_read_each_time(store: Store, known: KnownPosts) -> None:
    await add_posts(store, *(a_post(content="x" * LONGEST_CONTENT) for _ in range(LONGEST_PAGE // LONGEST_CONTENT + 1)))
    page = await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest())
    again = await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest())
    assert page == again
    assert page is not again


async def test_a_change_is_seen_at_the_next_look(store: Store, known: KnownPosts) -> None:
    post = a_post()
    await add_posts(store, post)
    for change in ({"title": "Else"}, {"is_published": False}, {"is_published": True}):
        for _ in range(3):
            assert await known.post(post.id) == await store.posts.post(post.id)
        post = await save(store, post, **change)
        assert await known.post(post.id) == await store.posts.post(post.id)
    async with store.transactions.begin() as uow:
        await uow.posts.remove(post.id)
    assert await known.post(post.id) is None


async def test_an_author_is_shown_as_they_are_called_now(store: Store, known: KnownPosts) -> None:
    post, name = a_post(), "lovelace"
    await add_posts(store, post)
    for _ in range(3):
        await known.post(post.id)
        await titles(known)
    async with store.transactions.begin() as uow:
        await uow.users.save(replace(ADA, username=name))
    found = await known.post(post.id)
    assert found is not None
    assert found.value.author.username == name
    page = await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest())
    assert page.items[0].author.username == name


async def _is_kept(known: KnownPosts) -> bool:
    """Once the news of what was stored just before has come."""
    for _ in range(20):
        page = await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest())
        if await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest()) is page:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_the_first_page_is_kept_until_a_post_or_an_account_changes(store: Store, known: KnownPosts) -> None:
    post = a_post("first")
    await add_posts(store, post)
    assert await _is_kept(known)
    await add_posts(store, a_post("second", author=BOB, published_at=NOW + SECOND))
    assert await titles(known) == ["second", "first"]
    await save(store, post, is_published=False)
    assert await titles(known) == ["second"]
    await remove(store, BOB)
    assert await titles(known) == []
    assert (await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest())).total == 0


async def test_later_pages_are_read_each_time(store: Store, known: KnownPosts) -> None:
    await add_posts(store, *(a_post(f"{n}", published_at=NOW + n * SECOND) for n in range(4)))
    for request in (PageRequest(size=2, number=2), PageRequest(size=2, cursor="")):
        assert len(await titles(known, request)) == 2
    first = await known.page(PUBLISHED, NEWEST_PUBLISHED, PageRequest(size=2))
    assert await titles(known, PageRequest(size=2, cursor=first.next_cursor)) == ["1", "0"]
    assert await titles(known, PageRequest(size=2, number=2)) == ["1", "0"]


async def test_what_concerns_other_posts_leaves_a_kept_one_in_place(tmp_path: Path) -> None:
    """On PostgreSQL, where changes are told apart."""
    async with open_store("postgresql", tmp_path) as store:
        await add(store, ADA)
        known, post = KnownPosts(store.posts, store.changes), a_post()
        await add_posts(store, post)
        async with asyncio.timeout(20):
            while not await _is_listening(store):
                pass
        await known.post(post.id)
        kept = await known.post(post.id)
        await add_posts(store, a_post())
        await add(store, a_user("carol"))
        assert await known.post(post.id) is kept


async def _is_listening(store: Store) -> bool:
    """Whether more is known of changes than what may be trusted without hearing."""
    mark = store.changes.mark((ADA.id,))
    await asyncio.sleep(TRUSTED_FOR + 0.2)
    return store.changes.holds(mark)

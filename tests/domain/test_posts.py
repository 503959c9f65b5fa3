"""The rules for a post."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.posts.post import LONGEST_CONTENT, LONGEST_TITLE, LONGEST_WORD, Post, wanted_words

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def a_post(*, is_published: bool = False, title: str = "On bees", content: str = "They dance.") -> Post:
    return Post.written(
        id=UUID(int=1), author_id=UUID(int=2), title=title, content=content, is_published=is_published, now=NOW
    )


@given(st.booleans(), st.lists(st.booleans(), max_size=10))
def test_it_keeps_the_time_of_its_first_publishing(at_once: bool, later: list[bool]) -> None:
    """However often it is taken back and published again; and a published one always has it."""
    post, first = a_post(is_published=at_once), NOW if at_once else None
    for n, is_published in enumerate(later, 1):
        now = NOW + timedelta(minutes=n)
        post = post.changed(now, is_published=is_published)
        if is_published and first is None:
            first = now
        assert post.is_published is is_published
        assert post.published_at == first


@given(st.sampled_from(["title", "content"]), st.booleans())
def test_other_changes_leave_the_publishing_as_it_was(field: str, is_published: bool) -> None:
    before = a_post(is_published=is_published)
    after = before.changed(NOW + timedelta(minutes=1), **{field: "else"})
    assert (after.is_published, after.published_at) == (before.is_published, before.published_at)
    assert after.updated_at > before.updated_at
    assert getattr(after, field) == "else"


def test_what_changes_nothing_leaves_the_same_post() -> None:
    post = a_post()
    assert post.changed(NOW + timedelta(1), title=post.title, content=post.content, is_published=False) is post


@pytest.mark.parametrize("title", ["", " ", "a\nb", "a\tb", "a\0b", "\ud800", "\u2028", "x" * (LONGEST_TITLE + 1)])
def test_a_title_is_one_line_of_255_characters_at_most(title: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_post(title=title)
    assert refused.value.problems[0].pointer == "/title"


@pytest.mark.parametrize("content", ["\0", "a\x1bb", "\x7f", "\x85", "a\udfffb", "x" * (LONGEST_CONTENT + 1)])
def test_content_holds_no_controls_and_100_000_characters_at_most(content: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_post(content=content)
    assert refused.value.problems[0].pointer == "/content"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\r\n"), max_size=200))
def test_all_other_content_is_kept_as_typed(content: str) -> None:
    assert a_post(content=content).content == content


def test_the_longest_title_and_content_are_good() -> None:
    assert a_post(title="x" * LONGEST_TITLE, content="\n" * LONGEST_CONTENT)


@given(st.text(max_size=60), st.integers(1, 80))
def test_what_begins_as_a_word_of_a_post_is_among_its_words(text: str, length: int) -> None:
    """The words that are looked for are cut as those that are there."""
    content = "".join(character for character in text if character.isalnum() or character == " ")
    post = a_post(content=content)
    for word in content.split():
        for wanted in wanted_words(word) + wanted_words(wanted_words(word)[0][:length] if wanted_words(word) else ""):
            assert f" {wanted}" in post.search_text


@given(st.text(max_size=300))
def test_no_word_is_longer_than_its_index_may_hold(text: str) -> None:
    assert all(len(word) <= LONGEST_WORD for word in wanted_words(text))
    assert len(wanted_words(text)) == len(set(wanted_words(text)))


def test_what_is_searched_of_a_post_stays_below_a_mebibyte() -> None:
    """What PostgreSQL can search is no longer; folding makes 18 letters of one."""
    for letter in ("\ufdfa", "\U00020000 ", "é", "x "):
        post = a_post(content=(letter * LONGEST_CONTENT)[:LONGEST_CONTENT])
        assert len(post.search_text.encode()) < 1 << 20
    distinct = " ".join(f"{chr(0x20000 + n % 40_000)}{n}" for n in range(20_000))[:LONGEST_CONTENT]
    assert len(a_post(content=distinct).search_text.encode()) < 1 << 20


@pytest.mark.parametrize(("is_published", "published_at"), [(True, NOW), (False, None)])
def test_what_is_written_is_its_authors_from_now_on(is_published: bool, published_at: datetime | None) -> None:
    assert a_post(is_published=is_published) == Post(
        id=UUID(int=1),
        author_id=UUID(int=2),
        title="On bees",
        content="They dance.",
        is_published=is_published,
        published_at=published_at,
        created_at=NOW,
        updated_at=NOW,
    )


def test_content_may_be_empty_and_a_title_may_not() -> None:
    assert a_post(content="").content == ""
    with pytest.raises(Invalid) as refused:
        a_post(title="")
    assert refused.value.code == "empty-text"

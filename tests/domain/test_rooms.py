"""Rooms: what they are called, and what may be said in them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.live.room import Room, checked_text


def room(name: str = "lobby", title: str = "The lobby") -> Room:
    return Room(id=UUID(int=1), name=name, title=title, permission=None, created_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", ["a", "7", "the-lobby", "a-1-b", "a" * 50])
def test_a_room_is_called_by_words_with_hyphens_between_them(name: str) -> None:
    assert room(name).name == name


@pytest.mark.parametrize("name", ["", "a" * 51, "-a", "a-", "a--b", "Lobby", "a_b", "a b", "é", "a\n"])
def test_no_other_name_is_taken(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        room(name)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("bad-room-name", "/name")
    assert refused.value.detail == problem.detail
    assert problem.detail == "A name has small letters, digits and hyphens between them; 50 at most."


def test_a_title_is_a_line_of_a_hundred_characters_at_most() -> None:
    assert room(title="é" * 100).title == "é" * 100


@pytest.mark.parametrize(
    ("title", "code"), [("", "empty-text"), ("x" * 101, "text-too-long"), ("a\nb", "control-characters")]
)
def test_any_other_title_is_refused(title: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        room(title=title)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/title")


@pytest.mark.parametrize("text", ["x", "two\nlines", "x" * 4_000])
def test_what_is_said_is_kept_as_typed(text: str) -> None:
    assert checked_text(text) == text


@pytest.mark.parametrize(
    ("text", "code"), [(" ", "empty-text"), ("x" * 4_001, "text-too-long"), ("\0", "control-characters")]
)
def test_what_cannot_be_shown_cannot_be_said(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_text(text)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/text")

"""Notifications and broadcasts: a title and a text that can be shown."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.notifications.notification import Broadcast, Kind, Notification

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Told = Notification | Broadcast


def notification(title: str = "Hello", body: str = "Welcome.") -> Notification:
    return Notification(id=UUID(int=1), user_id=UUID(int=2), kind=Kind.MESSAGE, title=title, body=body, created_at=NOW)


def broadcast(title: str = "Hello", body: str = "Welcome.") -> Broadcast:
    return Broadcast(id=UUID(int=1), title=title, body=body, created_at=NOW)


every_kind = pytest.mark.parametrize("make", [notification, broadcast])


@every_kind
def test_a_title_and_a_text_are_kept_as_typed(make: Callable[..., Told]) -> None:
    told = make("t" * 200, "Two\nlines. " + "b" * 3_989)
    assert (told.title, told.body) == ("t" * 200, "Two\nlines. " + "b" * 3_989)


@every_kind
@pytest.mark.parametrize(
    ("title", "code"), [("", "empty-text"), ("t" * 201, "text-too-long"), ("a\nb", "control-characters")]
)
def test_a_title_that_is_no_line_is_refused(make: Callable[..., Told], title: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(title=title)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/title")


@every_kind
@pytest.mark.parametrize(
    ("body", "code"), [(" ", "empty-text"), ("b" * 4_001, "text-too-long"), ("a\0b", "control-characters")]
)
def test_a_text_that_cannot_be_shown_is_refused(make: Callable[..., Told], body: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(body=body)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, "/body")


def test_what_begins_is_unread_and_has_reached_nobody() -> None:
    assert notification().read_at is None
    assert notification().broadcast_id is None
    assert (broadcast().reached, broadcast().done, broadcast().sent) == (None, 0, 0)

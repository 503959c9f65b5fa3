"""Live messages show things as the answers of the HTTP API do."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.jobs.views import JobView
from application.live.plain import as_plain
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.posts.views import AuthorView
from domain.jobs.job import Progress, Status
from entrypoints.http.resources import as_json

times = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=True)
results = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
authors = st.builds(AuthorView, st.uuids(), st.none() | texts, st.none() | texts)
views = st.one_of(
    st.builds(
        JobView,
        id=st.uuids(),
        kind=texts,
        status=st.sampled_from(Status),
        progress=st.builds(Progress, st.integers(0), st.none() | st.integers(0), st.integers(0)),
        result=results,
        error=st.none() | texts,
        attempts=st.integers(0),
        user_id=st.none() | st.uuids(),
        cancel_requested=st.booleans(),
        created_at=times,
        not_before=st.none() | times,
        started_at=st.none() | times,
        finished_at=st.none() | times,
    ),
    st.builds(
        NotificationView,
        id=st.uuids(),
        kind=texts,
        title=texts,
        body=texts,
        created_at=times,
        read_at=st.none() | times,
    ),
    st.builds(RoomView, id=st.uuids(), name=texts, title=texts, permission=st.none() | texts, created_at=times),
    st.builds(RoomMessageView, id=st.uuids(), room=texts, author=authors, text=texts, at=times),
    st.builds(InboxState, st.integers(0), st.integers(0)),
)


@given(views)
def test_a_view_is_the_same_json_in_both(view: Any) -> None:
    plain = as_plain(view)
    assert plain == json.loads(as_json(view))
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@pytest.mark.parametrize(
    ("microsecond", "printed"), [(123456, ".123456Z"), (120000, ".120000Z"), (7, ".000007Z"), (0, "Z")]
)
def test_times_are_rfc_3339_in_utc(microsecond: int, printed: str) -> None:
    assert as_plain(datetime(2026, 11, 29, 12, 0, 0, microsecond, UTC)) == f"2026-11-29T12:00:00{printed}"


def test_what_is_nested_is_json_too() -> None:
    id = uuid4()
    assert as_plain(Numbered(7, AuthorView(id, None, "Ada"))) == {
        "number": 7,
        "value": {"id": str(id), "username": None, "full_name": "Ada"},
    }
    assert as_plain({1: (True, {"a"}), None: Status.DEAD}) == {"1": [True, ["a"]], "null": "dead"}

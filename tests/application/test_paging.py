"""Pages and cursors."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.paging import Page, PageRequest, Position, Row, Sort, decode_cursor, encode_cursor
from domain.errors import Invalid

NEWEST = Sort("created_at", descending=True)
BY_EMAIL = Sort("email", descending=False)

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
times = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]))  # noqa: DTZ001


@given(texts, st.uuids())
def test_a_cursor_leads_back_to_any_text(value: str, row_id: UUID) -> None:
    assert decode_cursor(encode_cursor(Position(value, row_id), BY_EMAIL), BY_EMAIL) == Position(value, row_id)


@given(times, st.uuids())
def test_a_cursor_leads_back_to_any_time(value: datetime, row_id: UUID) -> None:
    assert decode_cursor(encode_cursor(Position(value, row_id), NEWEST), NEWEST) == Position(value, row_id)


@given(st.text(max_size=200))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="not a cursor"):
        decode_cursor(text or "x", NEWEST)


@pytest.mark.parametrize(
    "content",
    [
        ["-created_at", "2026-01-01T00:00:00+00:00", "not-an-id"],
        ["-created_at", "not a time", "0" * 32],
        ["-created_at", None, "0" * 32],
        ["-created_at", 5, "0" * 32],
        ["-created_at", "0001-01-01T00:00:00+14:00", "0" * 32],
        ["email", "2026-01-01T00:00:00+00:00", "0" * 32],
        ["-created_at"],
        {"a": 1},
        5,
    ],
)
def test_a_forged_cursor_is_refused(content: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    with pytest.raises(Invalid):
        decode_cursor(cursor, NEWEST)


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_a_forged_position_that_no_store_could_hold_is_refused(value: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["email", value, "0" * 32]).encode()).decode().rstrip("=")
    with pytest.raises(Invalid):
        decode_cursor(cursor, BY_EMAIL)


@given(st.integers(1, 100), st.integers(0, 250))
def test_a_page_knows_whether_another_one_follows(size: int, total: int) -> None:
    rows = [Row(Position(f"{n:04}", UUID(int=n)), n) for n in range(total)]
    page = Page.of(rows[: size + 1], PageRequest(size=size), BY_EMAIL, total)
    assert len(page.items) == min(size, total)
    assert (page.next_cursor is not None) == (total > size)
    assert (page.page, page.pages) == (1, -(-total // size))


def test_ten_thousand_rows_are_the_deepest_numbered_page() -> None:
    assert PageRequest(size=100, number=100).offset == 9_900
    with pytest.raises(Invalid) as refused:
        PageRequest(size=100, number=101)
    assert refused.value.code == "page-too-deep"

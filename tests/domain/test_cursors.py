"""Cursors of the live channel: as text and back, and what is refused."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.live.cursor import MOST, Cursor, read_cursors, stream_of

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
moments = st.integers(1_500_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.uuids(), st.integers(0, 2**50), moments)
def test_a_cursor_is_read_as_it_was_written(thing: UUID, number: int, at: datetime) -> None:
    cursor = Cursor.of(thing, number, at)
    assert read_cursors(str(cursor)) == {stream_of(thing): cursor}


def test_each_stream_finds_its_own_among_several() -> None:
    mine, room = Cursor.of(uuid4(), 7, NOW), Cursor.of(uuid4(), 9, NOW)
    assert read_cursors(f"{mine},{room}") == {mine.stream: mine, room.stream: room}


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            ",",
            "7",
            "cafebabe",
            "cafebabe-7",
            "cafebabe-7-",
            "CAFEBABE-7-7",
            "cafebabe--7-7",
            "cafebabe-7-7 ",
            "\0",
        ],
        *["cafebabe-7-7,", ",".join(["cafebabe-7-7"] * (MOST + 1)), f"cafebabe-{'f' * 16}-7", "cafebabe-7-7\n"],
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_cursors(text)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("bad-cursor", "/since")
    assert refused.value.detail == problem.detail == "This is not a cursor of ours; take it as it came."


@given(st.text(max_size=40).filter(lambda text: "-" not in text))
def test_no_text_does_harm(text: str) -> None:
    with pytest.raises(Invalid):
        read_cursors(text)


def test_a_time_that_cannot_be_is_long_ago() -> None:
    [cursor] = read_cursors("cafebabe-7-ffffffffff").values()
    assert cursor.at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_cursor_is_written_in_hexadecimal() -> None:
    thing = UUID("01234567-89ab-7def-8123-4567cafebabe")
    cursor = Cursor.of(thing, 255, datetime.fromtimestamp(0x1F, UTC))
    assert str(cursor) == "cafebabe-ff-1f"
    assert read_cursors("cafebabe-ff-1f") == {"cafebabe": cursor}
    assert stream_of(thing) == "cafebabe"


def test_as_many_cursors_are_read_as_one_may_have() -> None:
    cursors = [Cursor(f"{stream:08x}", stream, NOW) for stream in range(MOST)]
    assert read_cursors(",".join(map(str, cursors))) == {cursor.stream: cursor for cursor in cursors}

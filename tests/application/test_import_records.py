"""Records out of files that people, spreadsheets and attackers write."""

import csv
import io
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.imports import records as module
from application.imports.records import LONGEST_RECORD, SAMPLE, UNDECODABLE, Record, Records
from domain.errors import Invalid

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text(
    st.sampled_from('",;\t\r\n x'), max_size=5
)


def read(content: bytes, *, size: int = 1 << 20, delimiter: str = ",") -> list[Record]:
    """In pieces of so many bytes."""
    reader, found = Records(delimiter), list[Record]()
    for first in range(0, len(content), size):
        found += reader.feed(content[first : first + size])
    return found + reader.finish()


def written(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(1, 40),
)
def test_what_a_csv_writer_wrote_is_read(rows: list[list[str]], delimiter: str, encoding: str, size: int) -> None:
    """However it is cut into pieces."""
    rows = [["header", "line"], *rows]
    found = read(written(rows, delimiter).encode(encoding), size=size, delimiter=delimiter)
    assert [(list(record.cells), record.wrong) for record in found] == [(row, None) for row in rows]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_raise_and_pieces_make_no_difference(content: bytes, size: int) -> None:
    assert read(content, size=size) == read(content)


def test_lines_are_those_of_the_file() -> None:
    found = read(b'a,b\r\n\r\n"x\r\ny",1\r\n\r\nlast,2')
    assert [(record.line, list(record.cells)) for record in found] == [
        (1, ["a", "b"]),
        (3, ["x\r\ny", "1"]),
        (6, ["last", "2"]),
    ]


def test_an_open_quote_costs_its_own_row_alone() -> None:
    found = read(b'a,b\n1,"open\n2,fine\n3,fine\n')
    assert [(record.line, record.wrong is None) for record in found] == [(1, True), (2, False), (3, True), (4, True)]
    assert found[1].cells == ('1,"open',)


def test_a_quote_is_looked_for_so_far_and_no_further() -> None:
    found = read(b'a,b\n1,"open\n' + b"2,fine\n" * 20_000)
    assert len(found) == 20_002
    assert [record.line for record in found if record.wrong] == [2]


def test_what_is_behind_a_closing_quote_is_told() -> None:
    [_, bad, good] = read(b'a,b\n"x"y,1\nz,2\n')
    assert bad.wrong is not None
    assert good.cells == ["z", "2"]


def test_a_cell_of_a_hundred_megabytes_takes_little_memory() -> None:
    reader, found = Records(), list[Record]()
    tracemalloc.start()
    found += reader.feed(b"a,b\n1,")
    for _ in range(100):
        found += reader.feed(b"x" * 1_000_000)
    found += reader.feed(b"\n2,fine\n") + reader.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert [record.line for record in found] == [1, 2, 3]
    assert found[1].wrong == f"The row has more than {LONGEST_RECORD} characters."
    assert len(found[1].cells[0]) == SAMPLE
    assert found[2].cells == ["2", "fine"]


def test_a_hundred_megabytes_in_quotes_take_little_memory_either() -> None:
    reader, count, wrong, line = Records(), 0, 0, b"x" * 99 + b"\n"
    tracemalloc.start()
    reader.feed(b'a\n"')
    for _ in range(50):
        some = reader.feed(line * 10_000)
        count, wrong = count + len(some), wrong + sum(record.wrong is not None for record in some)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert (count, wrong) == (500_000, 1)


def test_endless_open_quotes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would have to be looked for behind it."""
    monkeypatch.setattr(module, "MOST_OPEN_QUOTES", 3)
    with pytest.raises(Invalid) as refused:
        read(b"a,b\n" + b'a","b\n' * 100_000)
    assert refused.value.code == "bad-quotes"


def test_bytes_that_are_no_utf_8_are_marked() -> None:
    [record] = read(b"a,\xff\xfeb")
    assert record.cells[0] == "a"
    assert UNDECODABLE in record.cells[1]


def test_half_a_character_of_utf_16_is_marked() -> None:
    [record] = read("a,b".encode("utf-16") + b"\x00")
    assert UNDECODABLE in record.cells[1]

"""What spreadsheets would run is neutralised, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.spreadsheets import neutralised, restored

FORMULAS = ["=1+1", "+49 30 1234", "-2", "@SUM(A1)", "\tx", "\rx", "=cmd|' /C calc'!A0", "+ada@example.com"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_becomes_a_text(cell: str) -> None:
    assert neutralised(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "O'Hara", "'n Abend", "1-2", " =x", "''"])
def test_all_else_stays_as_it_is(cell: str) -> None:
    assert neutralised(cell) == cell == restored(cell)


@given(st.text() | st.text(alphabet="'=+-@\t\rx"))
def test_every_cell_comes_back(cell: str) -> None:
    assert restored(neutralised(cell)) == cell


@given(st.text(alphabet="'=+-@\t\rx"))
def test_no_cell_begins_a_formula(cell: str) -> None:
    """S27."""
    assert not neutralised(cell).startswith(("=", "+", "-", "@", "\t", "\r"))

"""Cells of CSV files that people open in spreadsheets, which take some texts for formulas and run them.

Source: OWASP, "CSV Injection".
"""

import re

_TAKEN_FOR_A_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutralised(cell: str) -> str:
    """The cell, with an apostrophe before it where a spreadsheet would run it; `restored` takes that away again.

    What begins with apostrophes and would be a formula without them gets one more, so that every text comes back.
    """
    return f"'{cell}" if _TAKEN_FOR_A_FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """What `neutralised` was given."""
    return cell[1:] if _NEUTRALISED.match(cell) else cell

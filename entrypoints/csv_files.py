"""CSV files (RFC 4180) that are written while their rows are read."""

import csv
import io
from collections.abc import Iterable, Sequence

CSV = "text/csv; charset=utf-8; header=present"
"""RFC 4180, section 3."""


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """A part of a file, in UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()

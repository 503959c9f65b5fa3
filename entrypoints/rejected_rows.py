"""The rows that an import refused, as a CSV file (RFC 4180) that is written while they are read."""

import csv
import io
from collections.abc import AsyncIterator, Collection

from domain.imports.members_import import RejectedRow
from domain.spreadsheets import neutralised

COLUMNS = ("line", "column", "reason", "row")


async def as_csv(pages: AsyncIterator[Collection[RejectedRow]]) -> AsyncIterator[str]:
    """The parts of the file, its header first."""
    yield _lines([COLUMNS])
    async for page in pages:
        yield _lines(
            [(str(row.line), neutralised(row.column), neutralised(row.reason), neutralised(row.row)) for row in page]
        )


def _lines(rows: Collection[tuple[str, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()

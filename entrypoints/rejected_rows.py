"""The rows that an import refused, as CSV, written while they are read."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from domain.imports.members_import import RejectedRow
from domain.spreadsheets import neutralised
from entrypoints.csv_files import written

COLUMNS = ("line", "column", "reason", "row")


async def as_csv(pages: AsyncGenerator[Sequence[RejectedRow], None]) -> AsyncGenerator[bytes, None]:
    """The parts of one file in UTF-8, the header first; closing it closes `pages`."""
    yield written([COLUMNS])
    async with aclosing(pages):
        async for page in pages:
            yield written([_cells(row) for row in page])


def _cells(row: RejectedRow) -> Sequence[str]:
    return str(row.line), neutralised(row.column), neutralised(row.reason), neutralised(row.row)

"""Everything that an installation holds, as a stream of what stands in its backup."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime

from adapters.backups.format import PIECE, End, Header, Item, Piece, Rows, is_key
from adapters.sql.database_snapshots import Snapshot
from application.blobs import BlobStore

Tell = Callable[[str, int], None]
"""Called now and then with a table (or `files`), and how many of it there were so far."""


async def everything_in(
    snapshot: Snapshot,
    blobs: BlobStore | None,
    *,
    moothall: str,
    now: datetime,
    known: Collection[str] | None = None,
    tell: Tell,
) -> AsyncIterator[Item]:
    """Files come last: a row may name one, and none names a row. None of them without `blobs`.

    `known` are the ids of the secrets that are configured: what was made under others is of no use where it is, and
    needs none where it goes. Without them, all that is found counts.
    """
    yield Header(
        moothall=moothall,
        revision=snapshot.revision,
        engine=snapshot.engine,
        saved_at=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        secrets=_those_of(await snapshot.secrets(), known),
        tables=snapshot.shapes,
    )
    counted: dict[str, int] = {}
    for shape in snapshot.shapes:
        counted[shape.table] = 0
        async for rows in snapshot.rows(shape):
            yield Rows(shape.table, rows)
            counted[shape.table] += len(rows)
            tell(shape.table, counted[shape.table])
    files = 0
    if blobs is not None:
        async for piece in _files(blobs):
            if piece.is_first:
                files += 1
                tell("files", files)
            yield piece
    yield End(counted, files)


def _those_of(found: Mapping[str, Mapping[str, int]], known: Collection[str] | None) -> dict[str, Mapping[str, int]]:
    return {secret_id: tables for secret_id, tables in found.items() if known is None or secret_id in known}


async def _files(blobs: BlobStore) -> AsyncIterator[Piece]:
    """One that is removed meanwhile is left out, and so is what is not ours."""
    async for blob in blobs.all(""):
        content = await blobs.open(blob.key) if is_key(blob.key) else None
        if content is None:
            continue
        yield Piece(blob.key, b"", is_first=True)
        async for some in content:
            for start in range(0, len(some), PIECE):
                yield Piece(blob.key, bytes(some[start : start + PIECE]))

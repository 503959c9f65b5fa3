"""An installation that takes over what a backup holds."""

from collections.abc import AsyncIterator

from adapters.backups.format import End, Header, Item, Piece, Rows, damaged
from adapters.backups.saving import Tell
from adapters.sql.restoring import Target
from application.blobs import BlobStore
from domain.errors import Unavailable


async def take_over(
    header: Header, items: AsyncIterator[Item], target: Target, blobs: BlobStore | None, tell: Tell
) -> End:
    """Load everything behind the header into the target, which is empty. Without `blobs` files are passed over.

    Files are stored before what names them is committed. Those of a restore that then failed are nobody's, and swept.

    Raises:
        Invalid: `backup-damaged`, `backup-contradictory`.
        Unavailable: the database or the store of files does not answer.
    """
    await target.prepare(header.revision, header.tables)
    shapes = {shape.table: shape for shape in header.tables}
    counted = dict.fromkeys(shapes, 0)
    files = 0
    item = await anext(items)
    while not isinstance(item, End):
        match item:
            case Rows(table, rows) if table in shapes:
                await target.load(shapes[table], rows)
                counted[table] += len(rows)
                tell(table, counted[table])
                item = await anext(items)
            case Piece(key, is_first=True):
                files += 1
                tell("files", files)
                item = await _store(key, items, blobs)
            case _:
                raise damaged()
    end = End(counted, files)
    if end != item:
        raise damaged()
    return end


async def _store(key: str, items: AsyncIterator[Item], blobs: BlobStore | None) -> Item:
    """One file; what follows it."""
    one = _File(items)
    if blobs is None:
        async for _ in one.pieces():
            pass
    else:
        try:
            await blobs.put(key, one.pieces())
        except Unavailable:
            if one.failure is not None:  # of our own, which the store took for its source's
                raise one.failure from None
            raise
    assert one.behind is not None  # noqa: S101
    return one.behind


class _File:
    """The pieces that come next, as the store takes them; and what comes behind them."""

    def __init__(self, items: AsyncIterator[Item]) -> None:
        self._items = items
        self.behind: Item | None = None
        self.failure: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for item in self._items:
                if not isinstance(item, Piece) or item.is_first:
                    self.behind = item
                    return
                yield item.content
        except Exception as error:
            self.failure = error
            raise

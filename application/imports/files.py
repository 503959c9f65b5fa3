"""Where the files lie from which members are imported."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.blobs import Blob, BlobStore
from application.imports.columns import HEAD
from application.imports.ports import LARGEST_FILE, ImportQueries
from application.ports import Clock
from domain.errors import Invalid, NotFound

FOLDER = "imports"
ORPHANED_AFTER = timedelta(days=1)
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """`digest` is the SHA-256, `head` the first bytes, `lines` how many there are."""

    digest: bytes
    size: int
    lines: int
    head: bytes


@dataclass(frozen=True)
class ImportFiles:
    blobs: BlobStore

    async def put(self, import_id: UUID, content: AsyncIterator[bytes]) -> StoredFile:
        """Stored as it comes, and never whole in memory.

        Raises:
            Invalid: `file-too-large`, `empty-file`; nothing is stored then.
        """
        reading = _Reading(content)
        await self.blobs.put(_key(import_id), reading.pieces())
        if not reading.size:
            await self.remove(import_id)
            raise Invalid.field("empty-file", "/file", "There is nothing in the file.")
        return reading.found()

    async def open(self, import_id: UUID) -> AsyncIterator[bytes]:
        """Raises NotFound (`file-not-found`)."""
        found = await self.blobs.open(_key(import_id))
        if found is None:
            raise NotFound("file-not-found", "The file of this import is not there any more; import it anew.")
        return found

    async def remove(self, import_id: UUID) -> None:
        await self.blobs.remove(_key(import_id))


class _Reading:
    """What is learnt of a file while it passes by."""

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self.size = 0
        self._content = content
        self._sha = hashlib.sha256()
        self._breaks = 0
        self._returns = 0
        self._head = b""
        self._end = b""

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._content:
            self.size += len(piece)
            if self.size > LARGEST_FILE:
                raise Invalid.field("file-too-large", "/file", f"The file has more than {LARGEST_FILE} bytes.")
            self._sha.update(piece)
            self._breaks += piece.count(b"\n")
            self._returns += piece.count(b"\r")
            self._head += piece[: HEAD - len(self._head)]
            self._end = (self._end + piece)[-2:]
            yield piece

    def found(self) -> StoredFile:
        ends_in_a_break = b"\n" in self._end or b"\r" in self._end
        breaks = self._breaks or self._returns
        return StoredFile(self._sha.digest(), self.size, breaks + (not ends_in_a_break), self._head)


@dataclass(frozen=True)
class ImportFileSweep:
    """For files that nobody will read any more: of imports that succeeded, that are gone, or never came about; and for
    what is left of any file whose storing was killed."""

    files: ImportFiles
    queries: ImportQueries
    clock: Clock

    async def run(self) -> int:
        """How many files were removed."""
        some = dict[UUID, Blob]()
        before = self.clock.now() - ORPHANED_AFTER
        removed = await self.files.blobs.remove_unfinished(before)
        async for blob in self.files.blobs.all(FOLDER):
            import_id = _whose(blob.key)
            if import_id is not None and blob.stored_at < before:
                some[import_id] = blob
            if len(some) >= AT_ONCE:
                removed += await self._remove_unwanted(some)
                some = {}
        return removed + await self._remove_unwanted(some)

    async def _remove_unwanted(self, some: dict[UUID, Blob]) -> int:
        unwanted = some.keys() - await self.queries.files_wanted(some.keys())
        for import_id in unwanted:
            await self.files.remove(import_id)
        return len(unwanted)


def _key(import_id: UUID) -> str:
    return f"{FOLDER}/{import_id}.csv"


def _whose(key: str) -> UUID | None:
    """None for a file that is not ours."""
    try:
        return UUID(key.removeprefix(f"{FOLDER}/").removesuffix(".csv"))
    except ValueError:
        return None

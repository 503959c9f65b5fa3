"""Files in a folder or in a bucket, through obstore: the object_store library of Rust, with threads of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from adapters.blobs.places import S3_OPTIONS, BlobPlace
from application.blobs import Blob, BlobStore
from domain.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

T = TypeVar("T")

PIECE = 1_048_576
"""Bytes; the library reads ten times as many into memory by default."""
SMALLEST_PART = 5 * PIECE
"""Bytes, as buckets have it."""
PARTS_AT_ONCE = 2
"""Of a stream that is stored: so many are in memory."""
LARGE = 4 * PIECE
"""Bytes of a file that takes several requests."""

PATIENCE = 10.0
"""Seconds that each answer of the store may take, or each piece of one."""


class ObstoreBlobs(BlobStore):
    """The library is imported when a file is wanted: it takes longer than most commands need for everything else."""

    def __init__(self, place: BlobPlace, *, patience: float = PATIENCE) -> None:
        self._place = place
        self._patience = patience
        self._opened: ObjectStore | None = None

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> None:
        """A stream may take as long as its source does: the library then waits for each of its own requests alone."""
        with _answering():
            store = await self._store()
            if isinstance(content, bytes):
                async with asyncio.timeout(self._patience):
                    await store.put_async(key, content, use_multipart=False)
            else:
                size = PIECE if self._place.folder is not None else SMALLEST_PART
                await store.put_async(key, content, chunk_size=size, max_concurrency=PARTS_AT_ONCE)

    async def open(self, key: str) -> AsyncIterator[bytes] | None:
        with _answering():
            store = await self._store()
            async with asyncio.timeout(self._patience):
                try:
                    found = await store.get_async(key)
                except FileNotFoundError:
                    return None
        if found.meta["size"] > LARGE:
            return self._in_parts(key, found.meta["size"])
        return self._steps(found.stream(min_chunk_size=PIECE))

    async def _in_parts(self, key: str, size: int) -> AsyncIterator[bytes]:
        """Each asked for when it is wanted: no answer lasts as long as somebody takes to read the whole."""
        store = await self._store()
        for start in range(0, size, PIECE):
            with _answering():
                async with asyncio.timeout(self._patience):
                    part = await store.get_range_async(key, start=start, end=min(start + PIECE, size))
            yield bytes(part)

    async def remove(self, key: str) -> None:
        with _answering():
            store = await self._store()
            async with asyncio.timeout(self._patience):
                try:
                    await store.delete_async(key)
                except FileNotFoundError:
                    return

    async def all(self, prefix: str) -> AsyncIterator[Blob]:
        with _answering():
            listing = (await self._store()).list(prefix or None)
        async for some in self._steps(listing):
            for found in some:
                yield Blob(found["path"], found["last_modified"])

    async def remove_unfinished(self, before: datetime) -> int:
        """In a folder; a bucket has a rule of its own for them."""
        if self._place.folder is None:
            return 0
        with _answering():
            return await asyncio.to_thread(_remove_unfinished, self._place.folder, before)

    async def check(self) -> None:
        """Write something, and remove it again.

        Raises:
            Unavailable: `blobs-unavailable`; the cause says what the store said.
        """
        key = f"checks/{uuid4()}"
        await self.put(key, b"Moothall was here.")
        await self.remove(key)

    async def _steps(self, stream: Any) -> AsyncIterator[Any]:
        pieces = aiter(stream)
        while True:
            with _answering():
                async with asyncio.timeout(self._patience):
                    try:
                        piece = await _next(pieces)
                    except StopAsyncIteration:
                        return
            yield piece

    async def _store(self) -> "ObjectStore":
        if self._opened is None:
            self._opened = await asyncio.to_thread(_open, self._place, self._patience)
        return self._opened


async def _next(pieces: AsyncIterator[T]) -> T:
    return await anext(pieces)


def _remove_unfinished(folder: Path, before: datetime) -> int:
    removed = 0
    for file in folder.rglob("*#*"):  # as the library calls what it has not renamed yet
        if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
            file.unlink(missing_ok=True)
            removed += 1
    return removed


@contextmanager
def _answering() -> Iterator[None]:
    """Raises Unavailable for whatever goes wrong with the store."""
    try:
        yield
    except Exception as error:
        from obstore.exceptions import BaseError  # noqa: PLC0415 (as above)

        if isinstance(error, BaseError | OSError):  # also a TimeoutError, and FileNotFoundError where it is the bucket
            raise Unavailable("blobs-unavailable", "The store of files does not answer; try again soon.") from error
        raise


def _open(place: BlobPlace, patience: float) -> "ObjectStore":
    from obstore.store import LocalStore, S3Store  # noqa: PLC0415 (as above)

    if place.folder is not None:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(place.folder, automatic_cleanup=True)
    assert place.bucket is not None  # noqa: S101
    within = timedelta(seconds=patience)
    config: Any = {S3_OPTIONS[name]: value for name, value in place.options.items()}
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=config,
        client_options={
            "allow_http": place.options.get("endpoint", "").startswith("http://"),
            "timeout": within,
            "connect_timeout": within,
        },
        retry_config={"max_retries": 2, "retry_timeout": within},
    )

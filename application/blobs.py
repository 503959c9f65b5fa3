"""Files that are too large for the database, and are kept beside it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blob:
    """What a store knows of a file without reading it. `stored_at` is by the store's own clock."""

    key: str
    stored_at: datetime


class BlobStore(Protocol):
    """Files by keys: paths of letters, digits, dots, hyphens and slashes, which we make and no caller chooses. A key
    never gets a second content.

    Every method, and every step of an iterator, raises Unavailable (`blobs-unavailable`) where the store does not
    answer in time.
    """

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> None:
        """It is there once this returns, and as a whole or not at all."""
        ...

    async def open(self, key: str) -> AsyncIterator[bytes] | None:
        """The content, piece by piece; None where there is none."""
        ...

    async def remove(self, key: str) -> None:
        """Nothing happens where there is none."""
        ...

    async def remove_unfinished(self, before: datetime) -> int:
        """What is left of files whose process died while it stored them, before that time; how many they were."""
        ...

    def all(self, prefix: str) -> AsyncIterator[Blob]:
        """Whatever lies below a prefix that ends before a slash, in any order; of an empty one, all there is."""
        ...


async def whole(content: AsyncIterator[bytes]) -> bytes:
    """For files that are small."""
    return b"".join([piece async for piece in content])

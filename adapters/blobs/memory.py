"""Files that live and die with their process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from application.blobs import Blob, BlobStore, whole


class MemoryBlobs(BlobStore):
    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, datetime]] = {}

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> None:
        data = content if isinstance(content, bytes) else await whole(content)
        self._kept[key] = data, datetime.now(UTC)

    async def open(self, key: str) -> AsyncIterator[bytes] | None:
        kept = self._kept.get(key)
        return _pieces(kept[0]) if kept is not None else None

    async def remove(self, key: str) -> None:
        self._kept.pop(key, None)

    async def remove_unfinished(self, before: datetime) -> int:
        return 0

    async def all(self, prefix: str) -> AsyncIterator[Blob]:
        for key, (_, stored_at) in list(self._kept.items()):
            if not prefix or key.startswith(f"{prefix}/"):
                yield Blob(key, stored_at)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content

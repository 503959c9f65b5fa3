"""Where members' pictures lie, and what becomes of those that nobody shows."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.blobs import Blob, BlobStore
from application.ports import Clock
from application.profiles.ports import ProfileQueries
from domain.events import Emitted
from domain.profiles.events import AvatarDiscarded
from domain.profiles.profile import AvatarSize

FOLDER = "avatars"
ORPHANED_AFTER = timedelta(days=1)
"""So old is a file before it is removed because nobody shows it: while it is being stored nobody does either."""

AT_ONCE = 1_000


@dataclass(frozen=True)
class AvatarFiles:
    """A file for each size, under a key that no caller has a part in."""

    blobs: BlobStore

    async def put(self, user_id: UUID, avatar_id: UUID, images: Mapping[AvatarSize, bytes]) -> None:
        for size, content in images.items():
            await self.blobs.put(_key(user_id, avatar_id, size), content)

    async def open(self, user_id: UUID, avatar_id: UUID, size: AvatarSize) -> AsyncIterator[bytes] | None:
        return await self.blobs.open(_key(user_id, avatar_id, size))

    async def remove(self, emitted: Emitted) -> None:
        """Those of a picture that was discarded."""
        event = emitted.event
        assert isinstance(event, AvatarDiscarded)  # noqa: S101
        for size in AvatarSize:
            await self.blobs.remove(_key(event.user_id, event.avatar_id, size))


@dataclass(frozen=True)
class AvatarSweep:
    """For files that were stored, but whose change of a profile never came about."""

    blobs: BlobStore
    queries: ProfileQueries
    clock: Clock

    async def run(self) -> int:
        """How many files were removed."""
        removed, some = 0, dict[Blob, tuple[UUID, UUID]]()
        before = self.clock.now() - ORPHANED_AFTER
        async for blob in self.blobs.all(FOLDER):
            whose = _whose(blob.key)
            if whose is not None and blob.stored_at < before:
                some[blob] = whose
            if len(some) >= AT_ONCE:
                removed += await self._remove_orphans(some)
                some = {}
        return removed + await self._remove_orphans(some)

    async def _remove_orphans(self, some: Mapping[Blob, tuple[UUID, UUID]]) -> int:
        in_use = await self.queries.avatars_in_use({user_id for user_id, _ in some.values()})
        orphans = [blob for blob, (_, avatar_id) in some.items() if avatar_id not in in_use]
        for blob in orphans:
            await self.blobs.remove(blob.key)
        return len(orphans)


def _key(user_id: UUID, avatar_id: UUID, size: AvatarSize) -> str:
    return f"{FOLDER}/{user_id}/{avatar_id}/{size}.webp"


def _whose(key: str) -> tuple[UUID, UUID] | None:
    """The member and the picture; None for a file that is not ours."""
    try:
        _, user_id, avatar_id, _ = key.split("/")
        return UUID(user_id), UUID(avatar_id)
    except ValueError:
        return None

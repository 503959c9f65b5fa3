"""What profiles need from outside."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO, Protocol
from uuid import UUID

from application.profiles.views import MemberShown
from domain.profiles.profile import AvatarSize

LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes of a picture that somebody sends."""


class ProfileQueries(Protocol):
    """What readers ask about profiles, each in one statement."""

    async def member_shown(self, user_id: UUID) -> MemberShown | None:
        """With an empty profile for who has none stored; None where there is no such account."""
        ...

    async def avatars_in_use(self, user_ids: Iterable[UUID]) -> set[UUID]:
        """Which pictures these members show; 1,000 members at most."""
        ...


class AvatarImages(Protocol):
    async def make(self, image: BinaryIO) -> Mapping[AvatarSize, bytes]:
        """The picture that somebody sent, upright, cut square in the middle, and no larger than each size; as
        WebP, with nothing else in it. Takes PNG, JPEG and WebP, as the content says, whatever it is called.

        Raises:
            Invalid: `unsupported-image`, `not-an-image`, `image-too-large`, `too-many-scans`; pointer `/file`.
            Unavailable: `busy`; too many wait for the same.
        """
        ...

"""What happens to profiles."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event


@dataclass(frozen=True, slots=True)
class AvatarDiscarded(Event):
    """Nobody shows this picture any more: there is another one, or none, or its member is gone."""

    name: ClassVar[str] = "avatar.discarded"
    user_id: UUID
    avatar_id: UUID

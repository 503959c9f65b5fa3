"""When a picture is shown no more: its files are removed once that is certain, by a reaction."""

from uuid import UUID

from application.outbox import Outbox
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.profiles.events import AvatarDiscarded


async def discard_avatar(uow: UnitOfWork, outbox: Outbox, actor: Actor, user_id: UUID) -> None:
    """The one that the member has, if any. Before an account goes, and its profile with it."""
    profile = await uow.profiles.get(user_id)
    if profile is not None and profile.avatar_id is not None:
        await outbox.emit(uow, actor, AvatarDiscarded(user_id, profile.avatar_id))

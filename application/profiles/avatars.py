"""Members' pictures: shown, replaced, removed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO, ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.blobs import whole
from application.identity.views import Versioned
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.profiles.avatar_files import AvatarFiles
from application.profiles.discarding import discard_avatar
from application.profiles.ports import AvatarImages, ProfileQueries
from application.profiles.profiles import UPDATE, loaded_profile, shown, shown_to_everybody
from application.profiles.views import AvatarView, ProfileView
from application.site import Site
from application.unit_of_work import Transactions
from application.versions import Expected
from domain.access.actor import Actor
from domain.access.policy import ANYBODY, OPERATOR, OWNER_IN_PERSON, Rule, holder, require
from domain.errors import NotFound
from domain.profiles.profile import AvatarSize


@dataclass(frozen=True)
class ShowAvatar:
    """Of whoever has an active account, and a picture."""

    rule: ClassVar[Rule] = ANYBODY

    queries: ProfileQueries
    files: AvatarFiles

    async def __call__(
        self, actor: Actor, *, user_id: UUID, size: AvatarSize = AvatarSize.LARGE, known: Collection[UUID] = ()
    ) -> AvatarView:
        """`known` are the pictures that the caller has already. Raises NotFound (`user-not-found`,
        `avatar-not-found`), Unavailable (`blobs-unavailable`)."""
        missed: UUID | None = None
        while True:
            avatar_id = (await shown_to_everybody(self.queries, user_id)).profile.avatar_id
            if avatar_id is None or avatar_id == missed:
                raise NotFound("avatar-not-found", "This member has no picture.")
            if avatar_id in known:
                return AvatarView(avatar_id, None)
            content = await self.files.open(user_id, avatar_id, size)
            if content is not None:
                return AvatarView(avatar_id, await whole(content))
            missed = avatar_id  # it may have been replaced just now


@dataclass(frozen=True)
class ReplaceAvatar:
    """Another picture of oneself; the operator gives any member one.

    Its files are stored before anybody can ask for them. Where that turns out to be for nothing only afterwards, the
    sweep finds them.
    """

    rule: ClassVar[Rule] = OWNER_IN_PERSON | OPERATOR

    transactions: Transactions
    images: AvatarImages
    files: AvatarFiles
    trail: Trail
    outbox: Outbox
    clock: Clock
    ids: Ids
    site: Site

    async def __call__(
        self, actor: Actor, *, image: BinaryIO, user_id: UUID | None = None, expected: Expected = None
    ) -> Versioned[ProfileView]:
        """`user_id` None: one's own. Raises Invalid (`unsupported-image`, `not-an-image`, `image-too-large`,
        `too-many-scans`), NotFound (`user-not-found`), Stale, Unavailable (`busy`, `blobs-unavailable`)."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        async with self.transactions.begin() as uow:
            user, _ = await loaded_profile(uow, actor, owner, self.clock, expected)
        images = await self.images.make(image)
        avatar_id = self.ids.new()
        await self.files.put(user.id, avatar_id, images)
        async with self.transactions.begin() as uow:
            user, profile = await loaded_profile(uow, actor, owner, self.clock, expected)
            await discard_avatar(uow, self.outbox, actor, user.id)
            profile = await uow.profiles.save(profile.changed(self.clock.now(), avatar_id=avatar_id))
            await self.trail.record(uow, actor, "avatar.replaced", subject=user.id, item=avatar_id)
        return shown(user, profile, self.site)


@dataclass(frozen=True)
class RemoveAvatar:
    """One's own, or with `profiles:update` anybody's who may do no more than oneself. Nothing happens where there is
    none."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(UPDATE, own_in_person=True)

    transactions: Transactions
    trail: Trail
    outbox: Outbox
    clock: Clock

    async def __call__(self, actor: Actor, *, user_id: UUID | None = None, expected: Expected = None) -> None:
        """`user_id` None: one's own. Raises NotFound (`user-not-found`), Denied (`beyond-your-rights`), Stale."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        async with self.transactions.begin() as uow:
            user, profile = await loaded_profile(uow, actor, owner, self.clock, expected)
            if profile.avatar_id is not None:
                await discard_avatar(uow, self.outbox, actor, user.id)
                await uow.profiles.save(profile.changed(self.clock.now(), avatar_id=None))
                await self.trail.record(uow, actor, "avatar.removed", subject=user.id, item=profile.avatar_id)

"""Profiles: shown to everybody, changed by their members, and by who keeps the house clean."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.access.reach import require_reach_over
from application.audit.trail import Trail
from application.identity.accounts import loaded, no_such_user, only_these
from application.identity.views import Versioned
from application.ports import Clock
from application.profiles.ports import ProfileQueries
from application.profiles.views import MemberShown, ProfileView
from application.site import Site
from application.unit_of_work import Transactions, UnitOfWork
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import ANYBODY, OWNER, OWNER_IN_PERSON, Rule, holder, require, require_own
from domain.audit.entry import changed_fields
from domain.identity.user import User
from domain.profiles.profile import Profile

UPDATE = Permission("profiles:update", "Change every member's profile, and remove their pictures.")

FIELDS = frozenset({"bio", "website"})


@dataclass(frozen=True)
class ShowProfile:
    """Of whoever has an active account."""

    rule: ClassVar[Rule] = ANYBODY

    queries: ProfileQueries
    site: Site

    async def __call__(self, actor: Actor, *, user_id: UUID) -> Versioned[ProfileView]:
        """Raises NotFound (`user-not-found`)."""
        found = await shown_to_everybody(self.queries, user_id)
        return Versioned(found.view(self.site), found.version)


@dataclass(frozen=True)
class ShowMyProfile:
    rule: ClassVar[Rule] = OWNER

    queries: ProfileQueries
    site: Site

    async def __call__(self, actor: Actor) -> Versioned[ProfileView]:
        """Raises NotFound (`user-not-found`): the account was deleted meanwhile."""
        found = await shown_to_everybody(self.queries, require_own(actor, self.rule))
        return Versioned(found.view(self.site), found.version)


@dataclass(frozen=True)
class UpdateProfile:
    """Change the fields that are given, and no others: `bio`, `website`; None clears one. One's own, or with
    `profiles:update` anybody's who may do no more than oneself."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(UPDATE, own_in_person=True)

    transactions: Transactions
    trail: Trail
    clock: Clock
    site: Site

    async def __call__(
        self, actor: Actor, *, user_id: UUID | None = None, expected: Expected = None, **changes: str | None
    ) -> Versioned[ProfileView]:
        """`user_id` None: one's own. Raises Invalid for the fields (`bad-website`), NotFound (`user-not-found`), Denied
        (`beyond-your-rights`), Stale."""
        owner = user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        only_these(changes, FIELDS)
        async with self.transactions.begin() as uow:
            user, profile = await loaded_profile(uow, actor, owner, self.clock, expected)
            changed = profile.changed(self.clock.now(), **changes)
            if changed is not profile:
                await self.trail.record(
                    uow, actor, "profile.updated", subject=user.id, fields=changed_fields(profile, changed)
                )
                profile = await uow.profiles.save(changed)
        return shown(user, profile, self.site)


async def loaded_profile(
    uow: UnitOfWork, actor: Actor, owner: UUID | None, clock: Clock, expected: Expected
) -> tuple[User, Profile]:
    """The account, locked, and its profile, be it an empty one, for who may change them.

    Raises:
        NotFound: `user-not-found`.
        Denied: `beyond-your-rights`; it is somebody's who may do more than the caller.
        Stale: `stale-version`; the caller asked for a version that is no longer the current one.
    """
    if owner is None:
        raise no_such_user()
    user = await loaded(uow, owner)
    if owner != actor.user_id:
        await require_reach_over(uow, actor, user)
    profile = await uow.profiles.get(owner) or Profile(user_id=owner, updated_at=clock.now())
    require_version(user.version + profile.version, expected)
    return user, profile


async def shown_to_everybody(queries: ProfileQueries, user_id: UUID) -> MemberShown:
    """Raises NotFound (`user-not-found`): there is no such account, or it is deactivated."""
    found = await queries.member_shown(user_id)
    if found is None or not found.is_active:
        raise no_such_user()
    return found


def shown(user: User, profile: Profile, site: Site) -> Versioned[ProfileView]:
    found = MemberShown.of(user, profile)
    return Versioned(found.view(site), found.version)

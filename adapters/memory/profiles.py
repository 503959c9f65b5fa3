"""Profiles: within a unit of work, and as readers see them."""

from collections.abc import Iterable
from uuid import UUID

from adapters.memory.database import Changes, MemoryDatabase
from application.profiles.ports import ProfileQueries
from application.profiles.views import MemberShown
from domain.errors import Conflict
from domain.profiles.profile import Profile, ProfileRepository


class MemoryProfiles(ProfileRepository):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def get(self, user_id: UUID) -> Profile | None:
        return self._changes.profiles.get(user_id)

    async def save(self, profile: Profile) -> Profile:
        if self._changes.users.get(profile.user_id) is None:
            raise LookupError(f"There is no user {profile.user_id} whose profile this could be.")
        stored = self._changes.profiles.get(profile.user_id)
        if (stored.version if stored is not None else 0) != profile.version:
            raise self._changes.spoil(
                Conflict("changed-meanwhile", "The profile was changed meanwhile; read it again.")
            )
        saved = profile.saved()
        self._changes.profiles.put(profile.user_id, saved)
        return saved


class MemoryProfileQueries(ProfileQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def member_shown(self, user_id: UUID) -> MemberShown | None:
        user = self._database.users.get(user_id)
        if user is None:
            return None
        profile = self._database.profiles.get(user_id)
        return MemberShown.of(user, profile or Profile(user_id=user_id, updated_at=user.updated_at))

    async def avatars_in_use(self, user_ids: Iterable[UUID]) -> set[UUID]:
        found = (self._database.profiles.get(user_id) for user_id in user_ids)
        return {profile.avatar_id for profile in found if profile is not None and profile.avatar_id is not None}

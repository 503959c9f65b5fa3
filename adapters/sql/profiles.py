"""Profiles: within a unit of work, and as readers see them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update

from adapters.sql.reading import Reader
from adapters.sql.tables import profiles, users
from adapters.sql.work import Work
from application.profiles.ports import ProfileQueries
from application.profiles.views import MemberShown
from domain.errors import Conflict
from domain.identity.user import full_name
from domain.profiles.profile import Profile, ProfileRepository

_GET = select(profiles).where(profiles.c.user_id == bindparam("of_user"))
_INSERT = insert(profiles)
_UPDATE = update(profiles).where(
    profiles.c.user_id == bindparam("of_user"), profiles.c.version == bindparam("read_version")
)
_MEMBER_SHOWN = (
    select(
        users.c.username,
        users.c.first_name,
        users.c.last_name,
        users.c.is_active,
        users.c.version.label("account_version"),
        users.c.id.label("user_id"),
        profiles.c.bio,
        profiles.c.website,
        profiles.c.avatar_id,
        profiles.c.updated_at,
        users.c.updated_at.label("account_updated_at"),
        profiles.c.version,
    )
    .select_from(users.outerjoin(profiles))
    .where(users.c.id == bindparam("of_user"))
)
_IN_USE = select(profiles.c.avatar_id).where(
    profiles.c.user_id.in_(bindparam("of_users", expanding=True)), profiles.c.avatar_id.is_not(None)
)


class SqlProfiles(ProfileRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, user_id: UUID) -> Profile | None:
        row = (await self._work.execute(_GET, {"of_user": user_id})).one_or_none()
        return _profile(row) if row else None

    async def save(self, profile: Profile) -> Profile:
        saved = profile.saved()
        columns = {
            "bio": saved.bio,
            "website": saved.website,
            "avatar_id": saved.avatar_id,
            "updated_at": saved.updated_at,
            "version": saved.version,
        }
        if profile.version == 0:
            await self._work.execute(_INSERT, {"user_id": profile.user_id, **columns})
        else:
            keys = {"of_user": profile.user_id, "read_version": profile.version}
            if (await self._work.execute(_UPDATE, {**keys, **columns})).rowcount == 0:
                raise self._work.spoil(
                    Conflict("changed-meanwhile", "The profile was changed meanwhile; read it again.")
                )
        self._work.changed.add(profile.user_id)
        return saved


class SqlProfileQueries(ProfileQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def member_shown(self, user_id: UUID) -> MemberShown | None:
        rows = await self._reader.look_up(_MEMBER_SHOWN, {"of_user": user_id})
        if not rows:
            return None
        row = rows[0]
        is_stored = row.version is not None
        return MemberShown(
            username=row.username,
            full_name=full_name(row.first_name, row.last_name, row.username),
            is_active=row.is_active,
            account_version=row.account_version,
            profile=_profile(row) if is_stored else Profile(user_id=row.user_id, updated_at=row.account_updated_at),
        )

    async def avatars_in_use(self, user_ids: Iterable[UUID]) -> set[UUID]:
        return {row.avatar_id for row in await self._reader.search(_IN_USE, {"of_users": list(user_ids)})}


def _profile(row: Row[Any]) -> Profile:
    return Profile(
        user_id=row.user_id,
        updated_at=row.updated_at,
        bio=row.bio,
        website=row.website,
        avatar_id=row.avatar_id,
        version=row.version,
    )

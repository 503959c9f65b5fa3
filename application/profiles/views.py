"""What everybody sees of a member."""

from dataclasses import dataclass
from uuid import UUID

from application.site import Site
from domain.identity.user import User
from domain.profiles.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """`avatar_url` is None where there is no picture; what is found there never changes."""

    user_id: UUID
    username: str | None
    full_name: str | None
    bio: str | None
    website: str | None
    avatar_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberShown:
    """A member's profile with what their account adds to it. `version` moves with either."""

    username: str | None
    full_name: str | None
    is_active: bool
    account_version: int
    profile: Profile

    @property
    def version(self) -> int:
        return self.account_version + self.profile.version

    @classmethod
    def of(cls, user: User, profile: Profile) -> "MemberShown":
        return cls(
            username=user.username,
            full_name=user.full_name,
            is_active=user.is_active,
            account_version=user.version,
            profile=profile,
        )

    def view(self, site: Site) -> ProfileView:
        user_id, avatar_id = self.profile.user_id, self.profile.avatar_id
        return ProfileView(
            user_id=user_id,
            username=self.username,
            full_name=self.full_name,
            bio=self.profile.bio,
            website=self.profile.website,
            avatar_url=None if avatar_id is None else site.link(f"/api/v1/users/{user_id}/avatar", v=str(avatar_id)),
        )


@dataclass(frozen=True, slots=True)
class AvatarView:
    """`content` is a WebP file; None where the caller has this one already."""

    id: UUID
    content: bytes | None

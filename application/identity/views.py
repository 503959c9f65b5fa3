"""What readers get to see: frozen, and the same at every edge."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import Invalid
from domain.identity.session import Session
from domain.identity.user import User

T_co = TypeVar("T_co", covariant=True)

LONGEST_SEARCH = 200
USER_SORTS = ("created_at", "updated_at", "email", "username")


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T_co]):
    """A view with the version that it shows (an ETag at the HTTP edge)."""

    value: T_co
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    id: UUID
    email: str
    username: str | None
    first_name: str | None
    last_name: str | None
    full_name: str | None
    is_active: bool
    is_verified: bool
    is_superuser: bool
    roles: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None

    @classmethod
    def of(cls, user: User) -> "UserView":
        return cls(
            id=user.id,
            email=user.email.typed,
            username=user.username,
            first_name=user.first_name,
            last_name=user.last_name,
            full_name=user.full_name,
            is_active=user.is_active,
            is_verified=user.is_verified,
            is_superuser=user.is_admin,
            roles=tuple(sorted(user.roles)),
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_login_at=user.last_login_at,
        )


def shown(user: User) -> Versioned[UserView]:
    return Versioned(UserView.of(user), user.version)


@dataclass(frozen=True, slots=True)
class UserFilters:
    """None leaves a filter out; `q` finds users by the beginnings of words in e-mail, username and names.

    Raises:
        Invalid: `q` is longer than 200 characters.
    """

    role: str | None = None
    is_active: bool | None = None
    is_verified: bool | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        if self.q is not None and len(self.q) > LONGEST_SEARCH:
            raise Invalid.field("search-too-long", "/q", f"Search for {LONGEST_SEARCH} characters at most.")

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the filters that are set, without what they are set to."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """`last_used_at` is the last sign-in or refresh; `is_current` marks the one that asks. With `impersonated_by` it is
    not the member's own: that administrator acts in their place."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    impersonated_by: UUID | None = None
    is_current: bool = False

    @classmethod
    def of(cls, session: Session) -> "SessionView":
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            address=session.address,
            user_agent=session.user_agent,
            impersonated_by=session.impersonation.impersonator_id if session.impersonation else None,
        )


@dataclass(frozen=True, slots=True)
class SigningKeyView:
    kid: str
    algorithm: str
    created_at: datetime
    retired_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    device_token: str | None = None

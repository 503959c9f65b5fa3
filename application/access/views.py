"""What readers get to see of roles, permissions and API keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.identity.views import Versioned
from domain.access.api_keys import ApiKey
from domain.access.roles import Role


@dataclass(frozen=True, slots=True)
class RoleView:
    """`is_built_in` ones cannot be deleted."""

    id: UUID
    name: str
    description: str | None
    permissions: tuple[str, ...]
    is_built_in: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, role: Role) -> "RoleView":
        return cls(
            role.id,
            role.name,
            role.description,
            tuple(sorted(role.permissions)),
            role.is_built_in,
            role.created_at,
            role.updated_at,
        )


def shown_role(role: Role) -> Versioned[RoleView]:
    return Versioned(RoleView.of(role), role.version)


@dataclass(frozen=True, slots=True)
class PermissionView:
    """`held` by who asks."""

    name: str
    description: str
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyView:
    """`permissions` are those that the key was given; its owner's own rights bound them. Times are noted to the minute
    for `last_used_at`; `expires_at` null: never."""

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyView":
        return cls(
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            prefix=key.prefix,
            permissions=tuple(sorted(key.permissions)),
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKeyView):
    """With the key itself, which is told this once."""

    key: str


@dataclass(frozen=True, slots=True)
class ImpersonationToken:
    """`expires_in` is in seconds; `scope` holds the permissions that the token was given, behind blanks between them
    (RFC 6749, section 3.3)."""

    access_token: str
    expires_in: int
    scope: str

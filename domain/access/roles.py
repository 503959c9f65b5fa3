"""Roles: named sets of permissions."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Conflict, Invalid
from domain.text import line

ADMIN = "admin"
MEMBER = "member"
BUILT_IN = frozenset({ADMIN, MEMBER})

ROLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
LONGEST_DESCRIPTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`permissions` are patterns. `version` counts the saved states, as that of a user does.

    Raises:
        Invalid: `bad-role-name`, or a description that is not a line of 1 to 200 characters.
    """

    id: UUID
    name: str
    description: str | None
    permissions: frozenset[str]
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        if not ROLE_NAME.fullmatch(self.name):
            raise Invalid.field(
                "bad-role-name", "/name", "A role's name has 1 to 50 letters (a to z), digits, _ or -, no _ or - first."
            )
        line(self.description, pointer="/description", longest=LONGEST_DESCRIPTION)

    @property
    def is_built_in(self) -> bool:
        return self.name in BUILT_IN

    def changed(self, now: datetime, /, **fields: object) -> "Role":
        """The role with some fields changed at `now`; the same object where nothing differs.

        Raises:
            Conflict: `built-in-role`; administrators may do everything, whatever anybody changes.
        """
        if all(getattr(self, name) == value for name, value in fields.items()):
            return self
        if self.name == ADMIN and fields.get("permissions", self.permissions) != self.permissions:
            raise Conflict("built-in-role", "The role admin allows everything; that cannot be changed.")
        return replace(self, updated_at=now, **fields)  # type: ignore[arg-type]


_EVER = datetime(2026, 1, 1, tzinfo=UTC)
BUILT_IN_ROLES = tuple(
    Role(
        id=UUID(int=number),
        name=name,
        description=description,
        permissions=frozenset(permissions),
        created_at=_EVER,
        updated_at=_EVER,
    )
    for number, name, description, permissions in (
        (1, ADMIN, "Everything.", ("*",)),
        (2, MEMBER, "What everybody may who registers.", ()),
    )
)
"""As every store holds them from its beginning."""


def permissions_of(roles: Iterable[Role]) -> frozenset[str]:
    """All that the roles allow together."""
    return frozenset().union(*(role.permissions for role in roles))


def unknown_role(names: Collection[str]) -> Invalid:
    return Invalid.field("unknown-role", "/roles", f"There is no role called {', '.join(sorted(names))}.")


class RoleRepository(Protocol):
    """Roles within a unit of work. Who has which role is the users' matter, except where a role goes."""

    async def add(self, role: Role) -> None:
        """Raises Conflict (`role-taken`)."""
        ...

    async def get(self, name: str) -> Role | None:
        """The role, locked until the unit of work ends."""
        ...

    async def all(self) -> Sequence[Role]:
        """By name."""
        ...

    async def save(self, role: Role) -> Role:
        """The saved role, one version on. Raises Conflict (`changed-meanwhile`)."""
        ...

    async def remove(self, name: str, now: datetime) -> int:
        """The role, from everybody who has it: that changes their accounts. How many they are."""
        ...

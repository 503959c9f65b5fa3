"""Accounts as readers see them, with their roles, and with what the roles allow."""

from functools import lru_cache
from typing import Any

from sqlalchemy import FromClause, Row, Select, func, literal_column, select

from adapters.sql.patterns import as_patterns
from adapters.sql.tables import roles, user_roles, users
from application.identity.views import UserView, Versioned
from domain.access.roles import ADMIN
from domain.identity.user import full_name

_BETWEEN_ROLES = "\x1f"
_BEFORE_PERMISSIONS = "\x1e"


def _literal(text: str) -> Any:
    """A bound parameter would be put into the statement anew at each execution."""
    return literal_column(f"'{text}'")


SHOWN = (
    "id",
    "email",
    "username",
    "first_name",
    "last_name",
    "is_active",
    "is_verified",
    "created_at",
    "updated_at",
    "last_login_at",
    "version",
)
"""The columns of `users` that a reader sees."""


def view_of(rows: FromClause) -> Select[Any]:
    """What is shown of the rows, which have the columns, with the roles."""
    names = (
        select(func.aggregate_strings(user_roles.c.role, _literal(_BETWEEN_ROLES)))
        .where(user_roles.c.user_id == rows.c.id)
        .scalar_subquery()
    )
    return select(*(rows.c[name] for name in SHOWN), names.label("roles"))


_permissions = select(roles.c.permissions).where(roles.c.name == user_roles.c.role).scalar_subquery()
_roles_and_permissions = (
    select(
        func.aggregate_strings(
            user_roles.c.role + _literal(_BEFORE_PERMISSIONS) + func.coalesce(_permissions, _literal("")),
            _literal(_BETWEEN_ROLES),
        )
    )
    .where(user_roles.c.user_id == users.c.id)
    .scalar_subquery()
    .label("roles")
)

VIEW: Select[Any] = view_of(users)
VIEW_WITH_PERMISSIONS: Select[Any] = select(*(users.c[name] for name in SHOWN), _roles_and_permissions)


def user_view(row: Row[Any]) -> UserView:
    """From a row of either statement."""
    names, _ = _parsed(row.roles)
    return UserView(
        id=row.id,
        email=row.email,
        username=row.username,
        first_name=row.first_name,
        last_name=row.last_name,
        full_name=full_name(row.first_name, row.last_name, row.username),
        is_active=row.is_active,
        is_verified=row.is_verified,
        is_superuser=ADMIN in names,
        roles=names,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_login_at=row.last_login_at,
    )


def versioned(row: Row[Any]) -> Versioned[UserView]:
    return Versioned(user_view(row), row.version)


def permissions(row: Row[Any]) -> frozenset[str]:
    """All that the roles give, from a row of VIEW_WITH_PERMISSIONS."""
    return _parsed(row.roles)[1]


@lru_cache(maxsize=1024)
def _parsed(text: str | None) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of the roles in their order, and all of their permissions."""
    parts = [part.partition(_BEFORE_PERMISSIONS) for part in text.split(_BETWEEN_ROLES)] if text else []
    return tuple(sorted(name for name, _, _ in parts)), frozenset().union(*(as_patterns(held) for _, _, held in parts))

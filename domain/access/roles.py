"""Roles: named sets of permissions."""

from collections.abc import Iterable, Mapping

from domain.errors import Invalid

ADMIN = "admin"
MEMBER = "member"

PERMISSIONS_OF: Mapping[str, frozenset[str]] = {
    ADMIN: frozenset({"*"}),
    MEMBER: frozenset(),
}


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """All that the roles allow together; a role that is not (or no longer) known allows nothing."""
    return frozenset().union(*(PERMISSIONS_OF.get(role, frozenset()) for role in roles))


def known_roles(names: Iterable[str], *, pointer: str = "/roles") -> frozenset[str]:
    """The names as a set, once each.

    Raises:
        Invalid: `unknown-role`, naming those that do not exist.
    """
    wanted = frozenset(names)
    if unknown := sorted(wanted - PERMISSIONS_OF.keys()):
        raise Invalid.field("unknown-role", pointer, f"There is no role called {', '.join(unknown)}.")
    return wanted

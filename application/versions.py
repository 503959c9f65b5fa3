"""Changes on a condition: only if the thing is still as the caller knows it."""

from domain.errors import Stale

Expected = frozenset[int] | None
"""The versions that the caller wants to change; None for any."""


def require_version(current: int, expected: Expected) -> None:
    """Raises Stale (`stale-version`): the caller asked for a version that is no longer the current one."""
    if expected is not None and current not in expected:
        raise Stale("stale-version", "This is at another version than the one that was named; read it again.")

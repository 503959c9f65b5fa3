"""Who may do what."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.access.actor import ANONYMOUS, Actor, member, operator
from domain.access.policy import holds, require, require_member, require_recent_sign_in
from domain.access.roles import known_roles, permissions_of
from domain.errors import Denied, Invalid, Unauthenticated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, EVE = UUID(int=1), UUID(int=2)


def ada(*permissions: str) -> Actor:
    return member(ADA, frozenset(permissions), session_id=UUID(int=3), signed_in_at=NOW)


@pytest.mark.parametrize(
    ("granted", "permission", "held"),
    [
        ({"*"}, "users:read", True),
        ({"users:*"}, "users:read", True),
        ({"users:read"}, "users:read", True),
        ({"users:read"}, "users:delete", False),
        ({"user:*"}, "users:read", False),
        ({"users"}, "users:read", False),
        (set(), "users:read", False),
    ],
)
def test_patterns_cover_what_they_say(granted: set[str], permission: str, held: bool) -> None:
    assert holds(frozenset(granted), permission) is held


def test_owners_and_holders_pass_and_others_do_not() -> None:
    require(ada(), "x:y", owner=ADA)
    require(ada("x:y"), "x:y", owner=EVE)
    require(operator("root"), "x:y")
    with pytest.raises(Denied):
        require(ada(), "x:y", owner=EVE)
    with pytest.raises(Denied):
        require(ada(), "x:y")
    with pytest.raises(Unauthenticated):
        require(ANONYMOUS, "x:y")


def test_only_a_member_has_things_of_their_own() -> None:
    assert require_member(ada()) == ADA
    with pytest.raises(Unauthenticated):
        require_member(ANONYMOUS)
    with pytest.raises(Denied):
        require_member(operator("root"))


@pytest.mark.parametrize(("minutes", "passes"), [(0, True), (15, True), (15.001, False), (600, False)])
def test_a_recent_sign_in_is_at_most_fifteen_minutes_old(minutes: float, passes: bool) -> None:
    now = NOW + timedelta(minutes=minutes)
    if passes:
        require_recent_sign_in(ada(), now)
    else:
        with pytest.raises(Denied, match="sign in again"):
            require_recent_sign_in(ada(), now)


def test_roles_add_up_and_unknown_ones_allow_nothing() -> None:
    assert permissions_of(["admin", "member"]) == {"*"}
    assert permissions_of(["member", "gone"]) == frozenset()
    with pytest.raises(Invalid, match="emperor"):
        known_roles(["admin", "emperor"])

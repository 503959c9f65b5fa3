"""The one policy: who is calling, by which rule, whose it is; allowed, or the reason why not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import actor as actors
from domain.access.actor import ANONYMOUS, PROCESS, Actor
from domain.access.permissions import Permission, covers, covers_all, shared
from domain.access.policy import (
    ANYBODY,
    OPERATOR,
    OWNER,
    OWNER_IN_PERSON,
    OWNER_JUST_SIGNED_IN,
    PROCESS_ITSELF,
    RECENT_SIGN_IN,
    SIGNED_IN,
    Rule,
    holder,
    judge,
    require,
    require_own,
    require_reach,
)
from domain.errors import Denied, Unauthenticated

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ADA, GRACE, SESSION, KEY = (UUID(int=number) for number in range(1, 5))
READ = Permission("posts:read", "Read posts.")

PATTERNS = ["*", "posts:*", "posts:read", "posts:delete", "users:*", "users:read"]
CONCRETE = ["posts:read", "posts:delete", "users:read", "users:delete", "roles:read"]
pattern_sets = st.frozensets(st.sampled_from(PATTERNS))


def a_member(*permissions: str, signed_in_at: datetime = NOW, impersonator_id: UUID | None = None) -> Actor:
    return actors.member(
        ADA,
        frozenset(permissions),
        session_id=SESSION,
        signed_in_at=signed_in_at,
        impersonator_id=impersonator_id,
    )


def a_key(*permissions: str) -> Actor:
    return actors.api_key(KEY, ADA, frozenset(permissions))


CALLERS = {
    "anonymous": ANONYMOUS,
    "member": a_member(),
    "holder": a_member("posts:read"),
    "admin": a_member("*"),
    "key": a_key(),
    "key of a holder": a_key("posts:*"),
    "impersonated": a_member(impersonator_id=GRACE),
    "impersonated holder": a_member("posts:read", impersonator_id=GRACE),
    "long signed in": a_member(signed_in_at=NOW - RECENT_SIGN_IN - timedelta(seconds=1)),
    "operator": actors.operator("ops"),
    "process": PROCESS,
}

# rule -> caller -> (on their own things, on another member's): None where allowed, else the code of the refusal
SIGN_IN, NO, PERSON, AGAIN, MEMBERS, SERVER = (
    "not-signed-in",
    "not-allowed",
    "not-in-person",
    "sign-in-again",
    "members-only",
    "operator-only",
)
TABLE: dict[str, tuple[Rule, dict[str, tuple[str | None, str | None]]]] = {
    "anybody": (ANYBODY, dict.fromkeys(CALLERS, (None, None))),
    "signed in": (SIGNED_IN, {**dict.fromkeys(CALLERS, (None, None)), "anonymous": (SIGN_IN, SIGN_IN)}),
    "holder": (
        holder(READ),
        {
            **dict.fromkeys(CALLERS, (NO, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(
                ("holder", "admin", "key of a holder", "impersonated holder", "operator", "process"), (None, None)
            ),
        },
    ),
    "holder in person": (
        holder(READ, in_person=True),
        {
            **dict.fromkeys(CALLERS, (NO, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("holder", "admin", "operator", "process"), (None, None)),
            **dict.fromkeys(("key of a holder", "impersonated holder"), (PERSON, PERSON)),
        },
    ),
    "holder, of their own in person": (
        holder(READ, own_in_person=True),
        {
            **dict.fromkeys(CALLERS, (NO, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("holder", "admin", "operator", "process"), (None, None)),
            **dict.fromkeys(("key of a holder", "impersonated holder"), (PERSON, None)),
        },
    ),
    "owner": (
        OWNER,
        {
            **dict.fromkeys(CALLERS, (None, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("operator", "process"), (MEMBERS, MEMBERS)),
        },
    ),
    "owner in person": (
        OWNER_IN_PERSON,
        {
            **dict.fromkeys(CALLERS, (None, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("key", "key of a holder", "impersonated", "impersonated holder"), (PERSON, NO)),
            **dict.fromkeys(("operator", "process"), (MEMBERS, MEMBERS)),
        },
    ),
    "owner just signed in": (
        OWNER_JUST_SIGNED_IN,
        {
            **dict.fromkeys(CALLERS, (None, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            "long signed in": (AGAIN, NO),
            **dict.fromkeys(("key", "key of a holder", "impersonated", "impersonated holder"), (PERSON, NO)),
            **dict.fromkeys(("operator", "process"), (MEMBERS, MEMBERS)),
        },
    ),
    "owner in person, or holder": (
        OWNER_IN_PERSON | holder(READ),
        {
            **dict.fromkeys(CALLERS, (None, NO)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("key", "impersonated"), (PERSON, NO)),
            **dict.fromkeys(
                ("holder", "admin", "key of a holder", "impersonated holder", "operator", "process"), (None, None)
            ),
        },
    ),
    "operator": (
        OPERATOR,
        {
            **dict.fromkeys(CALLERS, (SERVER, SERVER)),
            "anonymous": (SIGN_IN, SIGN_IN),
            **dict.fromkeys(("operator", "process"), (None, None)),
        },
    ),
    "the process itself": (
        PROCESS_ITSELF,
        {**dict.fromkeys(CALLERS, (SERVER, SERVER)), "anonymous": (SIGN_IN, SIGN_IN)},
    ),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", TABLE)
def test_the_table_holds(name: str, caller: str) -> None:
    rule, expected = TABLE[name]
    actor = CALLERS[caller]
    found = tuple(judge(actor, rule, owner=owner, now=NOW) for owner in (actor.user_id, GRACE))
    assert tuple(refusal.code if refusal else None for refusal in found) == expected[caller]


def test_refusals_are_errors_of_their_category() -> None:
    with pytest.raises(Unauthenticated) as stranger:
        require(ANONYMOUS, holder(READ))
    assert stranger.value.code == SIGN_IN
    with pytest.raises(Denied, match="posts:read"):
        require(a_member(), holder(READ))
    require(a_member("*"), holder(READ))


def test_ones_own_things_are_those_of_the_member_who_calls() -> None:
    assert require_own(a_key(), OWNER) == ADA
    assert require_own(a_member(impersonator_id=GRACE), OWNER) == ADA
    with pytest.raises(Denied) as nobody:
        require_own(actors.operator("ops"), OWNER | holder(READ))
    assert nobody.value.code == MEMBERS


def test_without_the_time_nobody_has_just_signed_in() -> None:
    refusal = judge(a_member(), OWNER_JUST_SIGNED_IN, owner=ADA)
    assert refusal is not None
    assert refusal.code == AGAIN


@given(pattern_sets, st.sampled_from(PATTERNS + CONCRETE))
def test_what_covers_a_pattern_covers_all_that_it_stands_for(granted: frozenset[str], pattern: str) -> None:
    if covers(granted, pattern):
        assert all(covers(granted, one) for one in CONCRETE if covers(frozenset({pattern}), one))


@given(pattern_sets, pattern_sets, st.sampled_from(CONCRETE))
def test_shared_patterns_allow_what_both_allow(some: frozenset[str], others: frozenset[str], wanted: str) -> None:
    assert covers(shared(some, others), wanted) == (covers(some, wanted) and covers(others, wanted))
    assert covers_all(some, shared(some, others))
    assert covers_all(others, shared(some, others))


@given(pattern_sets, pattern_sets)
def test_nobody_reaches_beyond_their_own_rights(own: frozenset[str], wanted: frozenset[str]) -> None:
    actor = a_member(*own)
    if covers_all(own, wanted):
        require_reach(actor, wanted)
    else:
        with pytest.raises(Denied) as beyond:
            require_reach(actor, wanted)
        assert beyond.value.code == "beyond-your-rights"


@pytest.mark.parametrize("name", ["users", "Users:read", "users:", "users:*", "*", "users:read now", "users:read\n"])
def test_a_permission_is_a_resource_and_an_action(name: str) -> None:
    with pytest.raises(ValueError, match="resource:action"):
        Permission(name, "Whatever.")

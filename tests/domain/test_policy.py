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
    MEMBERS_ONLY,
    NOT_IN_PERSON,
    NOT_SIGNED_IN,
    NOT_YOURS,
    OPERATOR,
    OWNER,
    OWNER_IN_PERSON,
    OWNER_JUST_SIGNED_IN,
    PROCESS_ITSELF,
    RECENT_SIGN_IN,
    SIGN_IN_AGAIN,
    SIGNED_IN,
    Refusal,
    Rule,
    holder,
    is_theirs_to_see,
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


def test_what_was_refused_is_told_in_the_words_of_the_refusal() -> None:
    with pytest.raises(Unauthenticated) as stranger:
        require(ANONYMOUS, OWNER)
    assert (stranger.value.code, stranger.value.detail) == (NOT_SIGNED_IN.code, NOT_SIGNED_IN.detail)
    with pytest.raises(Denied) as denied:
        require(a_member(), OWNER, owner=GRACE)
    assert (denied.value.code, denied.value.detail) == (NOT_YOURS.code, NOT_YOURS.detail)


def test_what_is_required_of_an_owner_is_judged_by_owner_and_time() -> None:
    require(a_member(), OWNER_JUST_SIGNED_IN, owner=ADA, now=NOW + RECENT_SIGN_IN)
    with pytest.raises(Denied) as late:
        require(a_member(), OWNER_JUST_SIGNED_IN, owner=ADA, now=NOW + RECENT_SIGN_IN + timedelta(microseconds=1))
    assert (late.value.code, late.value.detail) == (AGAIN, SIGN_IN_AGAIN.detail)


def test_what_hinders_an_owner_is_told_before_what_strangers_lack() -> None:
    needs = Refusal("not-allowed", "This needs the permission posts:read.")
    assert judge(a_member(), OWNER | holder(READ), owner=GRACE, now=NOW) == needs
    assert judge(a_key(), OWNER_IN_PERSON | holder(READ), owner=ADA, now=NOW) == NOT_IN_PERSON
    assert judge(a_member(), OWNER | OWNER_IN_PERSON, owner=GRACE, now=NOW) == NOT_YOURS
    assert judge(actors.operator("ops"), OWNER | OWNER_IN_PERSON, owner=GRACE, now=NOW) == MEMBERS_ONLY


def test_a_rule_is_as_wide_as_the_widest_that_was_joined_to_it() -> None:
    assert judge(ANONYMOUS, ANYBODY | OWNER) is None
    assert judge(ANONYMOUS, OWNER | ANYBODY) is None
    assert judge(ANONYMOUS, OWNER | SIGNED_IN) == NOT_SIGNED_IN


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (ANYBODY, "everybody"),
        (ANYBODY | OWNER, "everybody"),
        (SIGNED_IN, "whoever is signed in"),
        (OWNER, "the member whose it is"),
        (OWNER_IN_PERSON, "the member whose it is, in person"),
        (OWNER_JUST_SIGNED_IN, "the member whose it is, in person, within 15 minutes of signing in"),
        (OPERATOR, "who runs commands on the server, and the server itself"),
        (PROCESS_ITSELF, "the process itself"),
        (holder(READ), "who holds `posts:read`"),
        (holder(READ, in_person=True), "who holds `posts:read`, in person"),
        (holder(READ, own_in_person=True), "who holds `posts:read` (their own things only in person)"),
        (OWNER | holder(READ), "the member whose it is; or who holds `posts:read`"),
    ],
)
def test_a_rule_says_in_words_whom_it_lets_pass(rule: Rule, words: str) -> None:
    assert str(rule) == words


def test_a_holder_may_be_asked_to_come_in_person() -> None:
    key = a_key("posts:read")
    assert judge(key, holder(READ), owner=ADA) is None
    assert judge(key, holder(READ), owner=GRACE) is None
    assert judge(key, holder(READ, in_person=True), owner=GRACE) == NOT_IN_PERSON
    assert judge(key, holder(READ, own_in_person=True), owner=ADA) == NOT_IN_PERSON
    assert judge(key, holder(READ, own_in_person=True), owner=GRACE) is None


def test_a_rule_names_the_permissions_that_open_it() -> None:
    write = Permission("posts:write", "Write posts.")
    assert (OWNER | holder(READ) | holder(write)).permissions == (READ, write)
    assert OWNER.permissions == ()


def test_who_may_see_a_thing_sees_it_and_others_do_not_learn_whether_it_is_there() -> None:
    assert is_theirs_to_see(a_member(), OWNER, owner=ADA)
    assert not is_theirs_to_see(a_member(), OWNER, owner=GRACE)
    assert not is_theirs_to_see(a_member(), OWNER, owner=None)
    assert is_theirs_to_see(a_member("posts:read"), holder(READ), owner=GRACE)
    assert not is_theirs_to_see(a_member("posts:read"), holder(READ), owner=None)
    assert not is_theirs_to_see(actors.operator("ops"), holder(READ), owner=None)


@pytest.mark.parametrize("owner", [ADA, GRACE, None])
@pytest.mark.parametrize(
    ("actor", "rule", "refusal"),
    [
        (ANONYMOUS, OWNER, NOT_SIGNED_IN),
        (a_key(), OWNER_IN_PERSON, NOT_IN_PERSON),
        (actors.operator("ops"), OWNER, MEMBERS_ONLY),
        (a_member(), holder(READ), Refusal("not-allowed", "This needs the permission posts:read.")),
    ],
)
def test_who_may_do_it_to_nothing_at_all_is_told_why(
    actor: Actor, rule: Rule, refusal: Refusal, owner: UUID | None
) -> None:
    with pytest.raises((Denied, Unauthenticated)) as refused:
        is_theirs_to_see(actor, rule, owner=owner)
    assert (refused.value.code, refused.value.detail) == (refusal.code, refusal.detail)


def test_who_may_not_see_only_what_is_their_own_is_told_so_of_that_alone() -> None:
    rule = holder(READ, own_in_person=True)
    assert is_theirs_to_see(a_key("posts:read"), rule, owner=GRACE)
    assert not is_theirs_to_see(a_key("posts:read"), rule, owner=None)
    with pytest.raises(Denied) as refused:
        is_theirs_to_see(a_key("posts:read"), rule, owner=ADA)
    assert refused.value.code == PERSON


def test_ones_own_things_are_those_of_the_member_who_calls() -> None:
    assert require_own(a_key(), OWNER) == ADA
    assert require_own(a_member(impersonator_id=GRACE), OWNER) == ADA
    with pytest.raises(Denied) as nobody:
        require_own(actors.operator("ops"), OWNER | holder(READ))
    assert (nobody.value.code, nobody.value.detail) == (MEMBERS, MEMBERS_ONLY.detail)


def test_ones_own_things_may_ask_for_a_recent_sign_in() -> None:
    assert require_own(a_member(), OWNER_JUST_SIGNED_IN, now=NOW + RECENT_SIGN_IN) == ADA
    with pytest.raises(Denied) as late:
        require_own(a_member(), OWNER_JUST_SIGNED_IN, now=NOW + RECENT_SIGN_IN + timedelta(microseconds=1))
    assert late.value.code == AGAIN


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


def test_who_reaches_too_far_is_told_ten_of_what_is_beyond_them() -> None:
    wanted = [f"posts:{letter}" for letter in "kjihgfedcba"]
    with pytest.raises(Denied) as beyond:
        require_reach(a_member("users:*"), [*wanted, "users:read"])
    assert beyond.value.detail == (
        "This reaches beyond what you may do yourself: posts:a, posts:b, posts:c, posts:d, posts:e, posts:f, posts:g, "
        "posts:h, posts:i, posts:j."
    )


def test_everything_is_covered_by_nothing_but_everything() -> None:
    assert covers(frozenset({"*"}), "*")
    assert not covers(frozenset({"*:*", "posts:*"}), "*")


def test_a_permission_stands_under_its_pattern() -> None:
    assert (str(READ), READ.pattern) == ("posts:read", "posts:*")


@pytest.mark.parametrize("name", ["users", "Users:read", "users:", "users:*", "*", "users:read now", "users:read\n"])
def test_a_permission_is_a_resource_and_an_action(name: str) -> None:
    with pytest.raises(ValueError, match="resource:action"):
        Permission(name, "Whatever.")

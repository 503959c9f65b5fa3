"""Callers: what the audit trail calls them, and what they come with."""

from datetime import UTC, datetime
from uuid import UUID

from domain.access import actor as actors
from domain.access.actor import ANONYMOUS, NOWHERE, PROCESS, Actor, ActorKind, Origin

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, GRACE, SESSION, KEY = (UUID(int=number) for number in range(1, 5))
ORIGIN = Origin("192.0.2.7", "curl/8", "request-1")
READ = frozenset({"posts:read"})


def test_a_stranger_has_no_name_and_no_right() -> None:
    assert actors.anonymous(ORIGIN) == Actor(ActorKind.ANONYMOUS, "anonymous", frozenset(), origin=ORIGIN)
    assert ANONYMOUS.origin == NOWHERE
    assert (ANONYMOUS.name, ANONYMOUS.permissions, ANONYMOUS.user_id) == ("anonymous", frozenset(), None)


def test_a_stranger_who_showed_a_members_secret_is_called_as_they_are_and_may_no_more_than_before() -> None:
    proved = actors.anonymous(ORIGIN).proved_to_be(ADA)
    assert proved == Actor(ActorKind.ANONYMOUS, str(ADA), frozenset(), origin=ORIGIN)
    assert proved.name == str(ADA)


def test_a_member_comes_with_their_session_and_rights() -> None:
    ada = actors.member(ADA, READ, session_id=SESSION, signed_in_at=NOW, origin=ORIGIN)
    assert ada == Actor(
        kind=ActorKind.MEMBER,
        called=None,
        permissions=READ,
        user_id=ADA,
        session_id=SESSION,
        signed_in_at=NOW,
        api_key_id=None,
        impersonator_id=None,
        origin=ORIGIN,
    )
    assert (ada.name, ada.in_person) == (str(ADA), True)


def test_whoever_is_in_a_members_place_is_named_themselves() -> None:
    grace = actors.member(ADA, READ, session_id=SESSION, signed_in_at=NOW, impersonator_id=GRACE)
    assert (grace.user_id, grace.impersonator_id, grace.name, grace.in_person) == (ADA, GRACE, str(GRACE), False)


def test_an_api_key_acts_for_its_owner_and_is_named_for_them() -> None:
    key = actors.api_key(KEY, ADA, READ, origin=ORIGIN)
    assert key == Actor(ActorKind.API_KEY, None, READ, ADA, api_key_id=KEY, origin=ORIGIN)
    assert (key.name, key.in_person) == (str(ADA), False)


def test_operators_and_the_process_may_everything_and_are_no_members() -> None:
    ops = actors.operator("ops")
    assert ops == Actor(ActorKind.OPERATOR, "cli:ops", frozenset({"*"}))
    assert (ops.name, ops.user_id) == ("cli:ops", None)
    assert (PROCESS.kind, PROCESS.name, PROCESS.permissions) == (ActorKind.PROCESS, "moothall", frozenset({"*"}))

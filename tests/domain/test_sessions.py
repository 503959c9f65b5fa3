"""Refresh families, with time in hypothesis's hands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.access.actor import NOWHERE, Origin
from domain.identity.session import Impersonation, Refresh, Session, kept_user_agent

START = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)


def started(origin: Origin = NOWHERE) -> Session:
    return Session.started(
        id=UUID(int=1),
        user_id=UUID(int=2),
        seed=b"s",
        secret_id="k",
        now=START,
        lifetime=timedelta(days=1),
        origin=origin,
    )


def test_the_end_of_a_session_is_absolute() -> None:
    session = started().rotated(START + timedelta(hours=23), Origin())
    assert not session.is_over(START + timedelta(days=1) - timedelta(microseconds=1))
    assert session.is_over(START + timedelta(days=1))


@given(st.text(max_size=400))
def test_a_clients_name_for_itself_is_kept_printable_and_short(user_agent: str) -> None:
    kept = started(Origin("127.0.0.1", user_agent)).user_agent
    assert kept is None or (kept.isprintable() and len(kept) <= 256)


def test_a_session_starts_with_what_it_was_given() -> None:
    impersonation = Impersonation(UUID(int=3), UUID(int=4), frozenset({"posts:read"}))
    session = Session.started(
        id=UUID(int=1),
        user_id=UUID(int=2),
        seed=b"s",
        secret_id="k",
        now=START,
        lifetime=timedelta(days=1),
        origin=Origin("192.0.2.7", "curl/8"),
        impersonation=impersonation,
    )
    assert session == Session(
        id=UUID(int=1),
        user_id=UUID(int=2),
        seed=b"s",
        secret_id="k",
        counter=1,
        rotated_at=START,
        created_at=START,
        last_used_at=START,
        expires_at=START + timedelta(days=1),
        address="192.0.2.7",
        user_agent="curl/8",
        impersonation=impersonation,
    )
    assert started().impersonation is None


def test_a_rotation_notes_when_and_from_where() -> None:
    later = START + timedelta(hours=1)
    session = started(Origin("192.0.2.7", "curl/8"))
    assert session.rotated(later, Origin("192.0.2.8", "curl/9")) == replace(
        session, counter=2, rotated_at=later, last_used_at=later, address="192.0.2.8", user_agent="curl/9"
    )


def test_the_parent_may_come_again_until_the_grace_is_over() -> None:
    session = started().rotated(START, Origin())
    assert session.judge(1, START + GRACE, GRACE) is Refresh.REPEATED
    assert session.judge(1, START + GRACE + timedelta(microseconds=1), GRACE) is Refresh.REUSED


@pytest.mark.parametrize(
    ("user_agent", "kept"),
    [
        (None, None),
        ("", None),
        ("curl/8", "curl/8"),
        ("a\nb\0", "a?b?"),
        ("x" * 256, "x" * 256),
        ("x" * 256 + "y", "x" * 256),
    ],
)
def test_of_a_clients_name_a_line_is_kept(user_agent: str | None, kept: str | None) -> None:
    assert kept_user_agent(user_agent) == kept


class RefreshFamily(RuleBasedStateMachine):
    """Whoever presents tokens, in whatever order and at whatever time: only the current one moves the family on."""

    @initialize()
    def start(self) -> None:
        self.now = START
        self.session = started()
        self.rotations = [START]

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def present_the_current_one(self) -> None:
        assert self.session.judge(self.session.counter, self.now, GRACE) is Refresh.NEXT
        before = self.session
        self.session = self.session.rotated(self.now, Origin())
        assert self.session.counter == before.counter + 1
        assert self.session.expires_at == before.expires_at
        self.rotations.append(self.now)

    @precondition(lambda self: self.session.counter > 1)
    @rule()
    def present_the_parent(self) -> None:
        in_time = self.now - self.rotations[-1] <= GRACE
        expected = Refresh.REPEATED if in_time else Refresh.REUSED
        assert self.session.judge(self.session.counter - 1, self.now, GRACE) is expected

    @precondition(lambda self: self.session.counter > 2)
    @rule(data=st.data())
    def present_an_older_one(self, data: st.DataObject) -> None:
        counter = data.draw(st.integers(0, self.session.counter - 2))
        assert self.session.judge(counter, self.now, GRACE) is Refresh.REUSED

    @rule(ahead=st.integers(1, 100))
    def present_one_from_the_future(self, ahead: int) -> None:
        assert self.session.judge(self.session.counter + ahead, self.now, GRACE) is Refresh.REUSED


TestRefreshFamily = RefreshFamily.TestCase

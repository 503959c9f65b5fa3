"""The life of a job, whatever happens to it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.errors import Conflict
from domain.jobs.job import LONGEST_ERROR, LONGEST_WAIT, MOST_STRIKES, UNSUCCESSFUL, Job, Status, wait_before

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=30)
OUTCOMES = ("succeeded", "failed", "struck", "hindered", "put_back", "again")


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_up_to_a_bound_and_are_spread(strikes: int, chance: float) -> None:
    wait = wait_before(strikes, chance)
    assert timedelta(0) < wait <= LONGEST_WAIT
    assert wait_before(strikes, 1) * 2 == wait_before(strikes, 0)
    assert wait_before(strikes, chance) <= wait_before(strikes + 1, chance)


def test_the_first_waits_are_one_two_and_four_seconds() -> None:
    assert [wait_before(n, 0).total_seconds() for n in (1, 2, 3, 30)] == [1, 2, 4, 600]


class Life(RuleBasedStateMachine):
    """Whatever workers and people do to it, a job is waiting, held, or finished, and never two of these."""

    job: Job
    now: datetime

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.job = Job(id=UUID(int=1), kind="work", args={}, created_at=NOW, due_at=NOW)

    @rule(seconds=st.integers(0, 1000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.job.due_at is not None and self.job.due_at <= self.now)
    @rule()
    def a_worker_claims_it(self) -> None:
        before = self.job
        self.job = before.claimed(self.now, UUID(int=before.attempts + 10), self.now + LEASE)
        assert self.job.attempts == before.attempts + 1

    @precondition(lambda self: self.job.status is Status.RUNNING)
    @rule(how=st.sampled_from(OUTCOMES), chance=st.floats(0, 1))
    def the_worker_settles_it(self, how: str, chance: float) -> None:
        strikes = self.job.strikes
        outcomes = {
            "succeeded": lambda: self.job.succeeded(self.now, {"done": 1}),
            "failed": lambda: self.job.failed(self.now, "no " * 1000),
            "struck": lambda: self.job.struck(self.now, "boom", chance),
            "hindered": lambda: self.job.hindered(self.now, "away", chance),
            "put_back": lambda: self.job.put_back(self.now),
            "again": lambda: self.job.again_at(self.now + LEASE),
        }
        self.job = outcomes[how]()
        if how == "struck":
            assert (self.job.status is Status.DEAD) == (strikes >= MOST_STRIKES)
        if how in ("hindered", "put_back"):
            assert self.job.strikes == strikes - 1

    @rule()
    def somebody_wants_it_to_stop(self) -> None:
        if self.job.is_finished:
            with pytest.raises(Conflict, match="already"):
                self.job.asked_to_stop(self.now)
        else:
            self.job = self.job.asked_to_stop(self.now)
            assert self.job.status is Status.CANCELLED or self.job.cancel_requested

    @rule()
    def somebody_has_it_retried(self) -> None:
        if self.job.status in UNSUCCESSFUL:
            self.job = self.job.retried(self.now)
            assert (self.job.attempts, self.job.strikes, self.job.due_at) == (0, 0, self.now)
        else:
            with pytest.raises(Conflict, match="can be retried"):
                self.job.retried(self.now)

    @invariant()
    def it_is_in_one_state(self) -> None:
        held, finished = self.job.lease_id is not None, self.job.finished_at is not None
        assert held == (self.job.status is Status.RUNNING)
        assert finished == self.job.is_finished == (self.job.due_at is None)
        assert 0 <= self.job.strikes <= self.job.attempts
        assert self.job.error is None or len(self.job.error) <= LONGEST_ERROR


TestLife = Life.TestCase


def test_what_is_told_of_a_failure_can_be_stored_anywhere() -> None:
    job = Job(id=UUID(int=1), kind="work", args={}, created_at=NOW, due_at=NOW).claimed(NOW, UUID(int=2), NOW + LEASE)
    assert job.failed(NOW, "a\0b\ud800c").error == "a b?c"

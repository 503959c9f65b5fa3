"""The life of a job, whatever happens to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.access.actor import NOWHERE
from domain.errors import Conflict
from domain.events import Emitted
from domain.jobs.job import (
    LONGEST_ERROR,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    MOST_STRIKES,
    SEND_WEBHOOK,
    UNSUCCESSFUL,
    Job,
    Progress,
    Status,
    wait_before,
)
from domain.orders.events import OrderPaid

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)
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
    assert job.failed(NOW, "x" * LONGEST_ERROR).error == "x" * LONGEST_ERROR
    assert job.failed(NOW, "x" * LONGEST_ERROR + "y").error == "x" * LONGEST_ERROR


# Single steps


def a_job(**fields: Any) -> Job:
    return Job(id=UUID(int=1), kind="work", args={"n": 1}, created_at=NOW, due_at=NOW, **fields)


def running(**fields: Any) -> Job:
    """Held by a worker, since now."""
    return replace(a_job(status=Status.RUNNING, lease_id=UUID(int=2), started_at=NOW), due_at=NOW + LEASE, **fields)


def test_a_delivery_brings_its_event_to_one_reaction_at_once() -> None:
    emitted = Emitted.of(OrderPaid(UUID(int=5), None), id=UUID(int=6), at=NOW, actor="cli:test", origin=NOWHERE)
    job = Job.delivering(emitted, id=UUID(int=1), to="greet")
    assert job == Job(id=UUID(int=1), kind="greet", args={}, created_at=NOW, due_at=NOW, emitted=emitted)
    assert job.is_delivery


def test_what_sends_to_a_webhook_is_a_delivery_too_and_other_work_is_none() -> None:
    assert replace(a_job(), kind=SEND_WEBHOOK).is_delivery
    assert not a_job().is_delivery


def test_whoever_claims_a_job_holds_it_until_the_lease_ends() -> None:
    job = a_job(attempts=3, strikes=1)
    assert job.claimed(LATER, UUID(int=2), LATER + LEASE) == replace(
        job,
        status=Status.RUNNING,
        attempts=4,
        strikes=2,
        lease_id=UUID(int=2),
        due_at=LATER + LEASE,
        started_at=LATER,
    )


def test_a_success_keeps_the_result_and_no_error() -> None:
    done = running(error="It failed before.").succeeded(LATER, {"rows": 7})
    assert (done.status, done.result, done.error) == (Status.SUCCEEDED, {"rows": 7}, None)
    assert (done.finished_at, done.due_at, done.lease_id) == (LATER, None, None)


def test_a_failure_is_for_good() -> None:
    done = running().failed(LATER, "There is no such file.")
    assert (done.status, done.error, done.finished_at) == (Status.FAILED, "There is no such file.", LATER)


def test_a_job_that_failed_is_tried_again_after_a_wait() -> None:
    after = running(attempts=9, strikes=MOST_STRIKES - 1).struck(LATER, "Boom.", 0.0)
    assert (after.status, after.due_at) == (Status.QUEUED, LATER + timedelta(seconds=64))
    assert (after.error, after.attempts, after.strikes, after.lease_id) == ("Boom.", 9, MOST_STRIKES - 1, None)
    assert running(strikes=1).struck(LATER, "Boom.", 1.0).due_at == LATER + timedelta(seconds=0.5)


def test_one_that_failed_often_enough_is_dead() -> None:
    after = running(attempts=MOST_STRIKES, strikes=MOST_STRIKES).struck(LATER, "Boom.", 0.0)
    assert (after.status, after.error, after.finished_at) == (Status.DEAD, "Boom.", LATER)
    assert (after.due_at, after.lease_id) == (None, None)


def test_what_is_hindered_waits_longer_each_time_and_is_not_at_fault() -> None:
    after = running(attempts=4, strikes=2).hindered(LATER, "No mail server.", 0.0)
    assert (after.status, after.due_at) == (Status.QUEUED, LATER + timedelta(seconds=8))
    assert (after.error, after.attempts, after.strikes) == ("No mail server.", 4, 1)
    assert running(attempts=1).hindered(LATER, "", 1.0).due_at == LATER + timedelta(seconds=0.5)
    assert running(attempts=MOST_ATTEMPTS - 1).hindered(LATER, "", 0.0).status is Status.QUEUED


def test_what_is_hindered_for_days_is_dead() -> None:
    after = running(attempts=MOST_ATTEMPTS, strikes=1).hindered(LATER, "No mail server.", 0.0)
    assert (after.status, after.error, after.finished_at) == (Status.DEAD, "No mail server.", LATER)


def test_what_is_put_back_was_never_begun() -> None:
    job = a_job(attempts=3, strikes=2)
    after = job.claimed(NOW, UUID(int=2), NOW + LEASE).put_back(LATER)
    assert (after.status, after.due_at, after.lease_id) == (Status.QUEUED, LATER, None)
    assert (after.attempts, after.strikes, after.error) == (3, 2, None)


def test_a_periodic_job_begins_anew_and_tells_of_the_last_time() -> None:
    job = running(attempts=3, strikes=2, cancel_requested=True, result="old", error="old", finished_at=NOW)
    expected = replace(
        job,
        status=Status.QUEUED,
        due_at=LATER,
        lease_id=None,
        attempts=0,
        strikes=0,
        cancel_requested=False,
        finished_at=None,
        result={"removed": 3},
        error="Boom.",
    )
    assert job.again_at(LATER, result={"removed": 3}, error="Boom.") == expected
    assert job.again_at(LATER) == replace(expected, result=None, error=None)


def test_who_waits_is_cancelled_at_once_and_who_runs_is_asked() -> None:
    waiting = a_job().asked_to_stop(LATER)
    assert (waiting.status, waiting.finished_at, waiting.due_at) == (Status.CANCELLED, LATER, None)
    assert running().asked_to_stop(LATER) == running(cancel_requested=True)


@pytest.mark.parametrize("status", [status for status in Status if status not in (Status.QUEUED, Status.RUNNING)])
def test_nothing_stops_what_is_finished(status: Status) -> None:
    with pytest.raises(Conflict) as refused:
        a_job(status=status).asked_to_stop(LATER)
    assert refused.value.code == "job-finished"
    assert status.value in refused.value.detail


@pytest.mark.parametrize("status", [status for status in Status if status in UNSUCCESSFUL])
def test_by_hand_a_job_is_tried_from_the_beginning(status: Status) -> None:
    job = a_job(status=status, attempts=9, strikes=8, cancel_requested=True, progress=Progress(3, 10, 1), error="Boom.")
    job = replace(job, due_at=None, finished_at=NOW)
    after = job.retried(LATER)
    assert (after.status, after.due_at, after.finished_at) == (Status.QUEUED, LATER, None)
    assert (after.attempts, after.strikes, after.progress, after.error) == (0, 0, Progress(), None)
    assert after.cancel_requested is False


@pytest.mark.parametrize("status", [status for status in Status if status not in UNSUCCESSFUL])
def test_what_did_not_fail_is_not_retried(status: Status) -> None:
    with pytest.raises(Conflict) as refused:
        a_job(status=status).retried(LATER)
    assert refused.value.code == "job-not-retryable"
    assert status.value in refused.value.detail


@pytest.mark.parametrize(("strikes", "seconds"), [(1, 1), (4, 8), (10, 512), (11, 600), (10_000, 600)])
def test_a_wait_doubles_up_to_ten_minutes(strikes: int, seconds: int) -> None:
    assert wait_before(strikes, 0.0) == timedelta(seconds=seconds)
    assert wait_before(strikes, 0.5) == timedelta(seconds=seconds * 0.75)
    assert wait_before(strikes, 1.0) == timedelta(seconds=seconds / 2)

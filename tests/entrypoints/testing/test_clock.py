"""The clock that testers own."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from entrypoints.testing.clock import EARLIEST, LATEST, TestersClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)


def test_it_goes_with_the_machine_until_it_is_moved() -> None:
    clock = TestersClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    clock.advance(3600)
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)
    clock.restore()
    assert clock.now() <= datetime.now(UTC)


def test_it_stands_still_where_it_is_told_to_and_goes_on_from_there() -> None:
    clock = TestersClock()
    clock.freeze(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(A_MINUTE)
    assert clock.now() == NOON + A_MINUTE
    clock.run()
    assert NOON + A_MINUTE <= clock.now() < NOON + 2 * A_MINUTE
    stood = clock.now()
    time.sleep(0.001)
    assert clock.now() > stood


def test_it_can_stop_where_it_is() -> None:
    clock = TestersClock()
    clock.advance(-86_400)
    clock.freeze()
    assert clock.now() == clock.now()
    assert clock.now() < datetime.now(UTC) - timedelta(hours=23)


@given(st.lists(st.timedeltas(timedelta(days=-300), timedelta(days=300)), max_size=20))
def test_steps_add_up(steps: list[timedelta]) -> None:
    clock = TestersClock()
    clock.freeze(NOON)
    for step in steps:
        clock.advance(step)
    assert clock.now() == NOON + sum(steps, timedelta())


@pytest.mark.parametrize("seconds", [1e300, -1e300, float("nan"), 86_400 * 366 * 8_000, -86_400 * 366 * 60])
def test_what_no_calendar_has_is_refused_and_changes_nothing(seconds: float) -> None:
    clock = TestersClock()
    clock.freeze(NOON)
    with pytest.raises(Invalid) as refused:
        clock.advance(seconds)
    assert refused.value.code == "bad-time"
    assert clock.now() == NOON


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=UTC), EARLIEST - A_MINUTE, LATEST + A_MINUTE])
def test_a_time_out_of_reach_is_refused(at: datetime) -> None:
    clock = TestersClock()
    with pytest.raises(Invalid):
        clock.freeze(at)

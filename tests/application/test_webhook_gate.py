"""Who may send to a webhook now, and when those come again who may not."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from application.webhooks.gate import (
    COME_AGAIN,
    FIRST_REST,
    KEPT_FREE,
    LONGEST_REST,
    LONGEST_TURN,
    MOST_AT_ONCE,
    MOST_FOR_ONE,
    Entry,
    Gate,
    TurnedAway,
)
from domain.webhooks.delivery import LONGEST_ASKED, Answer
from domain.webhooks.webhook import MOST_WEBHOOKS, Webhook
from tests.clock import OwnClock
from tests.contracts.builders import SECOND, a_webhook

FAILED = Answer(503, took=5 * SECOND)
TAKEN = Answer(204, took=SECOND)
LITTLE = timedelta(milliseconds=1)


@pytest.fixture
def clock() -> OwnClock:
    return OwnClock()


@pytest.fixture
def gate(clock: OwnClock) -> Gate:
    return Gate(clock, lambda: 0.5)


def let_in(gate: Gate, webhook: Webhook) -> Entry:
    found = gate.enter(webhook)
    assert isinstance(found, Entry), found
    return found


def turned_away(gate: Gate, webhook: Webhook) -> TurnedAway:
    found = gate.enter(webhook)
    assert isinstance(found, TurnedAway), found
    return found


def fail(gate: Gate, clock: OwnClock, webhook: Webhook, times: int) -> None:
    """Each time as soon as it is tried again."""
    for _ in range(times):
        gate.leave(let_in(gate, webhook), FAILED)
        clock.advance(seconds=LONGEST_REST.total_seconds())


@pytest.mark.parametrize("slow", [2, 3, 6, MOST_AT_ONCE - 1])
def test_webhooks_with_much_to_send_leave_room_for_one_that_has_little(gate: Gate, slow: int) -> None:
    webhooks = [a_webhook() for _ in range(slow)]
    under_way: Counter[int] = Counter()
    for _ in range(2 * MOST_FOR_ONE):
        for number, webhook in enumerate(webhooks):
            under_way[number] += isinstance(gate.enter(webhook), Entry)
    assert max(under_way.values()) <= MOST_FOR_ONE
    assert under_way.total() == max(slow, MOST_AT_ONCE - KEPT_FREE)
    let_in(gate, a_webhook())


def test_there_are_only_so_many_places(gate: Gate) -> None:
    entries = [let_in(gate, a_webhook()) for _ in range(MOST_AT_ONCE)]
    another = a_webhook()
    turned_away(gate, another)
    gate.leave(entries[0], TAKEN)
    let_in(gate, another)


def test_who_is_turned_away_comes_after_the_one_before(gate: Gate, clock: OwnClock) -> None:
    """Not all at once, and no more of them than the receiver takes."""
    webhook = a_webhook()
    for _ in range(40):
        gate.leave(let_in(gate, webhook), TAKEN)
    for _ in range(MOST_FOR_ONE):
        let_in(gate, webhook)
    turns = [turned_away(gate, webhook).until for _ in range(100)]
    assert turns[0] == clock.now() + COME_AGAIN
    steps = {later - turn for turn, later in pairwise(turns)}
    assert all(abs(step - SECOND / MOST_FOR_ONE) < LITTLE for step in steps)


def test_a_backlog_is_not_looked_at_all_the_time(gate: Gate, clock: OwnClock) -> None:
    """Ten thousand, of which no receiver could take so many: they come again within minutes, and not all at once."""
    webhook = a_webhook()
    for _ in range(MOST_FOR_ONE):
        let_in(gate, webhook)
    for _ in range(10_000):
        away = turned_away(gate, webhook).until - clock.now()
        assert COME_AGAIN <= away <= LONGEST_TURN
    assert away >= LONGEST_TURN / 2


def test_those_that_fail_together_are_one_failure(gate: Gate, clock: OwnClock) -> None:
    webhook = a_webhook()
    for entry in [let_in(gate, webhook) for _ in range(MOST_FOR_ONE)]:
        gate.leave(entry, FAILED)
    assert turned_away(gate, webhook).until == clock.now() + FIRST_REST
    clock.advance(seconds=FIRST_REST.total_seconds())
    entry = let_in(gate, webhook)
    turned_away(gate, webhook)
    gate.leave(entry, FAILED)
    clock.advance(seconds=FIRST_REST.total_seconds())
    turned_away(gate, webhook)
    clock.advance(seconds=FIRST_REST.total_seconds())
    gate.leave(let_in(gate, webhook), TAKEN)
    for _ in range(MOST_FOR_ONE):
        let_in(gate, webhook)


def test_a_rest_is_as_long_as_the_receiver_asks(gate: Gate, clock: OwnClock) -> None:
    webhook = a_webhook()
    gate.leave(let_in(gate, webhook), Answer(429, retry_after="7200"))
    clock.advance(seconds=7199)
    turned_away(gate, webhook)
    clock.advance(seconds=1)
    gate.leave(let_in(gate, webhook), Answer(503, retry_after="9999999"))
    clock.advance(seconds=LONGEST_ASKED.total_seconds() - 1)
    assert turned_away(gate, webhook).until <= clock.now() + LONGEST_TURN
    clock.advance(seconds=1)
    let_in(gate, webhook)


def test_only_one_that_fails_for_minutes_is_away(gate: Gate, clock: OwnClock) -> None:
    webhook = a_webhook()
    fail(gate, clock, webhook, 6)
    gate.leave(let_in(gate, webhook), FAILED)
    assert turned_away(gate, webhook).is_away
    other = a_webhook()
    gate.leave(let_in(gate, other), FAILED)
    assert not turned_away(gate, other).is_away


def test_who_changes_a_webhook_has_it_tried_at_once(gate: Gate, clock: OwnClock) -> None:
    webhook = a_webhook()
    fail(gate, clock, webhook, 3)
    late = let_in(gate, webhook)
    gate.leave(late, Answer(503, retry_after="86400"))
    changed = replace(webhook, version=webhook.version + 1)
    entries = [let_in(gate, changed) for _ in range(MOST_FOR_ONE)]
    gate.leave(entries.pop(), TAKEN)
    let_in(gate, webhook)


def test_what_an_attempt_at_the_former_webhook_met_counts_no_more(gate: Gate) -> None:
    webhook = a_webhook()
    late = let_in(gate, webhook)
    changed = replace(webhook, version=webhook.version + 1)
    let_in(gate, changed)
    gate.leave(late, FAILED)
    let_in(gate, changed)


def test_what_is_gone_is_forgotten(gate: Gate) -> None:
    for _ in range(10 * MOST_WEBHOOKS):
        gate.leave(let_in(gate, a_webhook()), FAILED)
    assert len(gate._lines) <= 2 * MOST_WEBHOOKS

"""Webhooks: which events they want, how long they are tried, and what a signature is good for."""

import base64
import json
import re
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import get_type_hints
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as PublicWebhook

from domain.access.actor import NOWHERE
from domain.errors import Conflict, Invalid
from domain.events import Emitted, Event
from domain.orders.events import OrderPaid
from domain.webhooks.catalogue import EVENTS, MOST_PATTERNS, checked, matches, message, wants
from domain.webhooks.delivery import (
    GIVE_UP_AFTER,
    LEAST_ATTEMPTS,
    LONGEST_ASKED,
    LONGEST_WAIT,
    Answer,
    Delivery,
    DeliveryStatus,
    asked_wait,
    wait_after,
)
from domain.webhooks.signature import TOLERANCE, flaw, signature
from domain.webhooks.webhook import LONGEST_DESCRIPTION, OVERLAP, SWITCHED_OFF, SecretSeed
from tests.contracts.builders import NOW, SECOND, a_webhook, a_webhook_delivery

NAMES = sorted(EVENTS)
THINGS = sorted({name.partition(".")[0] for name in NAMES})
PATTERNS = st.sampled_from([*NAMES, *(f"{thing}.*" for thing in THINGS), "*"])


@given(st.lists(PATTERNS, min_size=1, max_size=5), st.sampled_from(NAMES))
def test_an_event_is_wanted_by_its_name_by_its_thing_or_by_a_star(patterns: list[str], name: str) -> None:
    expected = any(re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), name) for pattern in patterns)
    assert wants(patterns, name) == expected
    assert wants(checked(patterns), name) == expected


@given(st.lists(PATTERNS, min_size=1, max_size=5))
def test_patterns_are_kept_once_and_in_order(patterns: list[str]) -> None:
    found = checked(patterns)
    assert list(found) == sorted(set(patterns))
    assert checked(found) == found


@given(st.text(max_size=12))
def test_a_pattern_that_nothing_matches_is_refused(pattern: str) -> None:
    if any(matches(pattern, name) for name in NAMES):
        return
    with pytest.raises(Invalid) as refused:
        checked([pattern])
    assert refused.value.code == "unknown-event"


@pytest.mark.parametrize(
    ("patterns", "code"),
    [
        ([], "no-events"),
        ([f"x{n}" for n in range(MOST_PATTERNS + 1)], "too-many-events"),
        (["order.*", "order.eaten"], "unknown-event"),
        (["ord*"], "unknown-event"),
        (["*.*"], "unknown-event"),
        (["order."], "unknown-event"),
        (["password.changed"], "unknown-event"),
        (["verification.requested"], "unknown-event"),
    ],
)
def test_what_nobody_can_ask_for(patterns: list[str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(patterns)
    assert refused.value.code == code


def test_the_catalogue_has_every_event_that_names_its_subject() -> None:
    of_the_product = [kind for kind in Event.kinds.values() if kind.__module__.startswith("domain.")]
    assert set(EVENTS.values()) == {kind for kind in of_the_product if kind.subject is not None}


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_an_event_that_is_told_holds_ids_and_a_sku_at_most(kind: type[Event]) -> None:
    hints = get_type_hints(kind)
    held = {field.name: hints[field.name] for field in fields(kind)}  # type: ignore[arg-type]
    assert held.pop("sku", str) is str
    assert set(held.values()) <= {UUID, UUID | None}
    assert hints[str(kind.subject)] is UUID
    assert kind.__doc__
    assert kind.__doc__.endswith(".")


def test_internal_events_are_nobodys_business() -> None:
    internal = ("verification.", "password", "email-change", "session.", "notification.", "avatar.", "payment.", "job.")
    assert not [name for name in NAMES if name.startswith(internal)]


def emitted(event: Event) -> Emitted:
    return Emitted.of(event, id=uuid4(), at=NOW, actor="cli:test", origin=NOWHERE)


def test_a_message_is_what_standard_webhooks_recommends() -> None:
    event = OrderPaid(uuid4(), None)
    assert json.loads(message(emitted(event))) == {
        "type": "order.paid",
        "timestamp": "2026-11-21T09:30:15.123456Z",
        "data": {"order_id": str(event.order_id), "user_id": None},
    }


def test_a_message_is_told_in_utc_and_without_a_blank_wherever_the_server_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = NOW.astimezone(timezone(timedelta(hours=2)))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        text = message(replace(emitted(OrderPaid(uuid4(), None)), at=here))
    time.tzset()
    assert text.startswith('{"type":"order.paid","timestamp":"2026-11-21T09:30:15.123456Z","data":{"order_id":"')


def test_a_message_tells_nothing_of_who_caused_it() -> None:
    assert "cli:test" not in message(emitted(OrderPaid(uuid4(), uuid4())))


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        ([], "Say which events"),
        ([f"x{n}" for n in range(MOST_PATTERNS + 1)], "Say 100 at most"),
        (["order.eaten"], "There are no such events: 'order.eaten'."),
        (["b" * 51, "a" * 50], f"There are no such events: '{'a' * 50}', '{'b' * 50}'."),
    ],
)
def test_what_is_wrong_with_patterns_is_told_where_they_stand(patterns: list[str], told: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(patterns)
    assert refused.value.problems[0].pointer == "/events"
    assert refused.value.detail.startswith(told)


def test_of_unknown_patterns_ten_are_named() -> None:
    with pytest.raises(Invalid) as refused:
        checked([f"x{n:03}" for n in range(MOST_PATTERNS)])
    assert refused.value.code == "unknown-event"
    assert "'x009'" in refused.value.detail
    assert "'x010'" not in refused.value.detail


def test_a_thing_is_what_stands_before_the_first_dot() -> None:
    assert matches("a.*", "a.b.c")
    assert not matches("a.b.*", "a.b.c")


# Attempts


def tried(delivery: Delivery, answer: Answer, at: datetime = NOW, chance: float = 0.0) -> Delivery:
    return delivery.attempted(answer, at, chance)


@given(st.integers(200, 299))
def test_every_2xx_is_a_success(status: int) -> None:
    after = tried(a_webhook_delivery(uuid4()), Answer(status, took=SECOND / 4))
    assert (after.status, after.next_attempt_at, after.settled_at) == (DeliveryStatus.DELIVERED, None, NOW)
    assert (after.attempts, after.last_status, after.error, after.took_ms) == (1, status, None, 250)


@given(st.one_of(st.integers(100, 199), st.integers(300, 999)))
def test_nothing_else_is(status: int) -> None:
    after = tried(a_webhook_delivery(uuid4()), Answer(status))
    assert after.is_pending
    assert after.error == f"The receiver answered {status}."
    assert after.next_attempt_at == NOW + timedelta(seconds=5)


@given(st.integers(1, 200), st.floats(0, 1))
def test_waits_double_up_to_an_hour_and_chance_takes_a_half_at_most(attempts: int, chance: float) -> None:
    longest = min(timedelta(seconds=5 * 2 ** min(attempts - 1, 20)), LONGEST_WAIT)
    assert longest / 2 <= wait_after(attempts, chance) <= longest
    assert wait_after(attempts, 0) == longest
    assert wait_after(attempts, 1) == longest / 2


@given(st.floats(0, 1))
def test_it_is_tried_for_three_days_and_given_up_after_that(chance: float) -> None:
    delivery = a_webhook_delivery(uuid4())
    now = NOW
    while delivery.next_attempt_at is not None:
        now = delivery.next_attempt_at
        delivery = tried(delivery, Answer(error="No connection."), now, chance)
    assert delivery.status is DeliveryStatus.FAILED
    assert GIVE_UP_AFTER <= now - NOW <= GIVE_UP_AFTER + LONGEST_WAIT
    assert delivery.settled_at == now
    assert 80 <= delivery.attempts <= 180


def test_what_waited_behind_another_one_for_days_is_not_given_up_at_the_first_failure() -> None:
    delivery, late = a_webhook_delivery(uuid4()), NOW + GIVE_UP_AFTER
    for _ in range(LEAST_ATTEMPTS - 1):
        delivery = tried(delivery, Answer(500), late)
        assert delivery.is_pending
    assert tried(delivery, Answer(500), late - SECOND).is_pending
    assert tried(delivery, Answer(500), late).status is DeliveryStatus.FAILED


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("7\x1f", 7),
        ("86399", 86_399),
        ("9999999999", 86_400),
        ("99999999999999999999", 0),
        ("Sat, 21 Nov 2026 09:32:15 GMT", 119.876544),
        ("Sat, 21 Nov 2026 10:32:15 +0100", 119.876544),
        ("Saturday, 21-Nov-26 09:32:15 GMT", 119.876544),
        ("Sat, 21 Nov 2026 09:32:15 -0000", 119.876544),
        ("Sat, 21 Nov 2020 09:32:15 GMT", 0),
        ("Sat, 21 Nov 2099 09:32:15 GMT", 86_400),
        ("Sat, 99 Nov 2026 09:32:15 GMT", 0),
        ("Sat, 21 Nov 99999999999 09:32:15 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(text: str | None, wait: float) -> None:
    assert asked_wait(text, NOW) == timedelta(seconds=wait)


@given(st.text(max_size=40))
def test_whatever_a_receiver_says_of_when_is_borne(text: str) -> None:
    assert timedelta() <= asked_wait(text, NOW) <= LONGEST_ASKED


def test_what_the_receiver_asks_for_is_the_least() -> None:
    delivery = a_webhook_delivery(uuid4())
    assert tried(delivery, Answer(503, retry_after="120")).next_attempt_at == NOW + timedelta(seconds=120)
    assert tried(delivery, Answer(503, retry_after="1")).next_attempt_at == NOW + timedelta(seconds=5)
    asked = Answer(503, retry_after="Sat, 21 Nov 2026 09:32:15 GMT")
    assert tried(delivery, asked).next_attempt_at == datetime(2026, 11, 21, 9, 32, 15, tzinfo=UTC)


def test_a_repetition_begins_from_the_first_attempt_with_the_same_id() -> None:
    delivery = a_webhook_delivery(uuid4())
    with pytest.raises(Conflict, match="not over yet"):
        delivery.repeated(NOW)
    late = NOW + timedelta(days=20)
    again = tried(delivery, Answer(204)).repeated(late)
    assert (again.message_id, again.body, again.created_at) == (delivery.message_id, delivery.body, NOW)
    assert (again.attempts, again.pending_since, again.next_attempt_at, again.settled_at) == (0, late, late, None)
    assert tried(again, Answer(500), late).is_pending, "three more days"


def test_there_is_one_job_for_a_delivery() -> None:
    delivery = a_webhook_delivery(uuid4())
    one, other = delivery.job(uuid4(), NOW), delivery.job(uuid4(), NOW)
    assert one.unique_key == other.unique_key
    assert one.unique_key is not None
    assert one.is_delivery


# Webhooks


def test_what_is_switched_off_says_why_until_it_is_switched_on() -> None:
    webhook = a_webhook()
    off = webhook.changed(NOW, is_active=False)
    assert off.disabled_reason == SWITCHED_OFF
    with pytest.raises(Conflict):
        off.require_active()
    assert off.changed(NOW, is_active=True).disabled_reason is None
    assert webhook.disabled(NOW, "Gone.").changed(NOW, description="x").disabled_reason == "Gone."
    assert webhook.changed(NOW, is_active=True) is webhook


def test_the_secret_before_signs_for_a_day() -> None:
    first, second, third = (SecretSeed("k1", bytes([n]) * 32) for n in range(3))
    webhook = a_webhook(secret=first)
    assert webhook.seeds(NOW) == (first,)
    rotated = webhook.rotated(second, NOW)
    assert rotated.seeds(NOW) == (second, first)
    assert rotated.seeds(NOW + OVERLAP - SECOND) == (second, first)
    assert rotated.seeds(NOW + OVERLAP) == (second,)
    assert rotated.rotated(third, NOW).seeds(NOW) == (third, second)
    assert "seed" not in repr(rotated.secret)


def test_a_change_says_when_it_was_made() -> None:
    webhook, later = a_webhook(), NOW + SECOND
    changed = webhook.changed(later, url="https://hooks.example/other")
    assert changed == replace(webhook, url="https://hooks.example/other", updated_at=later)
    assert webhook.changed(later, url=webhook.url, events=webhook.events) is webhook


def test_the_events_of_a_change_are_checked() -> None:
    webhook = a_webhook("order.paid")
    assert webhook.changed(NOW, events=["order.*", "order.*", "*"]).events == ("*", "order.*")
    assert webhook.changed(NOW, events=["order.paid"]) is webhook
    with pytest.raises(Invalid) as refused:
        webhook.changed(NOW, events=["order.eaten"])
    assert refused.value.code == "unknown-event"


def test_who_is_disabled_says_why_and_since_when() -> None:
    webhook, later = a_webhook(), NOW + SECOND
    assert webhook.disabled(later, "Gone.") == replace(
        webhook, is_active=False, disabled_reason="Gone.", updated_at=later
    )


def test_what_is_switched_off_does_nothing() -> None:
    a_webhook().require_active()
    with pytest.raises(Conflict) as refused:
        a_webhook(is_active=False).require_active()
    assert refused.value.code == "webhook-disabled"
    assert refused.value.detail.startswith("This webhook is switched off")


def test_a_rotation_is_a_change() -> None:
    webhook, later, seed = a_webhook(), NOW + SECOND, SecretSeed("k1", b"new" * 11)
    assert webhook.rotated(seed, later) == replace(
        webhook, secret=seed, previous=webhook.secret, previous_until=later + OVERLAP, updated_at=later
    )


def test_a_secret_before_that_has_no_end_signs_no_more() -> None:
    webhook = a_webhook(previous=SecretSeed("k1", b"old" * 11))
    assert webhook.seeds(NOW) == (webhook.secret,)


def test_a_description_is_one_line_of_200_characters() -> None:
    assert a_webhook(description="x" * LONGEST_DESCRIPTION).description == "x" * LONGEST_DESCRIPTION
    for description in ("x" * (LONGEST_DESCRIPTION + 1), "a\nb", " "):
        with pytest.raises(Invalid) as refused:
            a_webhook(description=description)
        assert refused.value.problems[0].pointer == "/description"


# Signatures

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@given(st.binary(max_size=200), st.integers(-299, 299))
def test_a_signature_is_that_of_the_public_package(body: bytes, seconds: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    text = body.hex()
    expected = PublicWebhook(SECRET).sign("msg_1", at, text)
    assert signature(SECRET, "msg_1", str(int(at.timestamp())), text.encode()) == expected
    assert not judged(text.encode(), signatures=f"v1,bm90aGluZw== {expected}", now=at + timedelta(seconds=seconds))


def judged(body: bytes, *, signatures: str, now: datetime, timestamp: str = "1767225600") -> str | None:
    return flaw(SECRET, message_id="msg_1", timestamp=timestamp, signatures=signatures, body=body, now=now)


def test_what_is_not_signed_so_is_told() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    good = signature(SECRET, "msg_1", "1767225600", b"x")
    assert judged(b"x", signatures=good, now=at) is None
    for signatures in ("", "v1,", good[:-1], good.replace("v1,", "v2,"), good + "x", "ü", "\ud800"):
        assert "signature" in str(judged(b"x", signatures=signatures, now=at))
    assert "signature" in str(judged(b"y", signatures=good, now=at))
    for late in (TOLERANCE + SECOND, -TOLERANCE - SECOND):
        assert "timestamp" in str(judged(b"x", signatures=good, now=at + late))
    for timestamp in ("999999999999", "253402300800", "0"):
        recent = signature(SECRET, "msg_1", timestamp, b"x")
        assert "timestamp" in str(judged(b"x", signatures=recent, now=at, timestamp=timestamp))
    for timestamp in ("", "now", "1e9", "-5", "9" * 30):
        assert "timestamp" in str(judged(b"x", signatures=good, now=at, timestamp=timestamp))
    with pytest.raises(ValueError, match="whsec_"):
        signature("whsec_ä", "", "", b"")


def test_the_clocks_may_differ_by_five_minutes_and_no_more() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    good = signature(SECRET, "msg_1", "1767225600", b"x")
    for differ in (TOLERANCE, -TOLERANCE):
        assert judged(b"x", signatures=good, now=at + differ) is None
    late = judged(b"x", signatures=good, now=at + TOLERANCE + timedelta(microseconds=1))
    assert late == "the timestamp is more than 5 minutes off"


def test_what_is_wrong_is_told() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    good = signature(SECRET, "msg_1", "1767225600", b"x")
    assert judged(b"x", signatures=good, now=at, timestamp="now") == "there is no timestamp"
    assert judged(b"y", signatures=good, now=at) == "the signature is none of this secret"


@pytest.mark.parametrize("between", ["\t", "\n", ","])
def test_signatures_are_separated_by_blanks_alone(between: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    good = signature(SECRET, "msg_1", "1767225600", b"x")
    assert judged(b"x", signatures=f"v1,eA== {good}", now=at) is None
    assert judged(b"x", signatures=f"v1,eA=={between}{good}", now=at) is not None


@pytest.mark.parametrize("secret", ["whsec_AAAA!AAA", "whsec_ AAAA", "whsec_AAA", "whsec_ä"])
def test_what_is_no_base64_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and base64"):
        signature(secret, "msg_1", "1767225600", b"x")

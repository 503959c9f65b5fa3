"""What the product says in notifications, in each of its languages."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from application.notifications.texts import ENGLISH, GERMAN, Texts, texts_in
from domain.jobs.job import Status
from domain.notifications.notification import checked
from domain.orders import events
from domain.orders.number import order_number

ORDER_EVENTS = [kind for kind in vars(events).values() if isinstance(kind, type) and kind.__name__.startswith("Order")]
AT = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "texts"), [("en", ENGLISH), ("de", GERMAN), ("de-AT", GERMAN), ("fr", ENGLISH), ("den", ENGLISH)]
)
def test_german_is_spoken_where_mails_are_german_and_english_elsewhere(language: str, texts: Texts) -> None:
    assert texts_in(language) is texts


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN])
def test_every_text_can_be_shown_and_says_what_it_is_about(texts: Texts) -> None:
    number = order_number(uuid4())
    said = [texts.of_order(kind.name, number) for kind in ORDER_EVENTS]
    assert len({*said}) == len(ORDER_EVENTS) == 5
    assert all(number in title for title, _ in said)
    told = [texts.of_job(status.value, "import") for status in (Status.SUCCEEDED, Status.FAILED, Status.DEAD)]
    assert all(job is not None and "import" in job[0] for job in told)
    assert texts.of_job("cancelled", "import") is None
    sign_in = texts.of_sign_in(device="Firefox on Linux", address="203.0.113.7", at=AT)
    assert all(fact in sign_in[1] for fact in ("Firefox on Linux", "203.0.113.7", "2026-03-09 07:05 UTC"))
    unknown = texts.of_sign_in(device=None, address=None, at=AT)
    for title, body in (*said, *(job for job in told if job), sign_in, unknown, texts.welcome):
        checked(title, body)
        assert "{" not in title + body
        assert "None" not in body


def test_the_languages_say_different_things() -> None:
    assert ENGLISH.welcome != GERMAN.welcome
    assert ENGLISH.orders.keys() == GERMAN.orders.keys() == {kind.name for kind in ORDER_EVENTS}
    assert ENGLISH.jobs.keys() == GERMAN.jobs.keys()

"""Events: as they are stored, and as they are read again."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.access.actor import Actor, ActorKind, Origin
from domain.events import Emitted, Event
from domain.identity.events import EmailChanged, UserCreated, VerificationRequested
from domain.jobs.events import JobFinished
from domain.orders.events import OrderPaid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID, ADA = UUID(int=1), UUID(int=2)
ORIGIN = Origin("192.0.2.7", "curl/8", "request-1")


def test_what_is_stored_is_texts_by_the_names_of_the_fields() -> None:
    assert OrderPaid(ID, ADA).as_data() == {"order_id": str(ID), "user_id": str(ADA)}
    assert OrderPaid(ID, None).as_data() == {"order_id": str(ID), "user_id": None}
    assert JobFinished(ID, ADA, "export", "done").as_data() == {
        "job_id": str(ID),
        "user_id": str(ADA),
        "kind": "export",
        "status": "done",
    }


@pytest.mark.parametrize(
    "event",
    [
        OrderPaid(ID, ADA),
        OrderPaid(ID, None),
        JobFinished(ID, ADA, "export", "done"),
        EmailChanged(ADA, "old@example.com", "new@example.com"),
    ],
)
def test_an_event_is_read_as_it_was_stored(event: Event) -> None:
    read = Event.from_data(event.name, event.as_data())
    assert read == event
    assert type(read) is type(event)


def test_ids_are_read_as_ids_and_texts_that_look_like_ids_as_texts() -> None:
    read = Event.from_data("job.finished", JobFinished(ID, ADA, str(ID), str(ADA)).as_data())
    assert isinstance(read, JobFinished)
    assert (read.job_id, read.user_id, read.kind, read.status) == (ID, ADA, str(ID), str(ADA))


def test_what_this_version_does_not_know_is_no_event() -> None:
    with pytest.raises(LookupError):
        Event.from_data("test.never", {})
    with pytest.raises(TypeError):
        Event.from_data("user.created", {"user_id": str(ADA), "more": "than there is"})
    with pytest.raises(TypeError):
        Event.from_data("user.created", {})


def test_every_kind_of_event_is_known_by_its_name() -> None:
    assert Event.kinds["user.created"] is UserCreated
    assert Event.kinds["order.paid"] is OrderPaid
    assert all(kind.name == name for name, kind in Event.kinds.items())


def test_a_new_kind_of_event_is_known_as_soon_as_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "kinds", {})

    class Occurred(Event):
        name = "test.occurred"

    assert Event.kinds == {"test.occurred": Occurred}


def test_an_event_is_about_its_subject_or_nobodys_business() -> None:
    assert UserCreated(ADA).about == ADA
    assert VerificationRequested("ada@example.com").about is None


def test_what_is_emitted_tells_when_whose_doing_and_from_where() -> None:
    emitted = Emitted.of(UserCreated(ADA), id=ID, at=NOW, actor="cli:ops", origin=ORIGIN)
    assert emitted == Emitted(
        id=ID, at=NOW, actor="cli:ops", origin=ORIGIN, name="user.created", data={"user_id": str(ADA)}
    )
    assert emitted.event == UserCreated(ADA)


def test_whoever_did_it_is_named_again_with_no_right_to_anything() -> None:
    emitted = Emitted.of(UserCreated(ADA), id=ID, at=NOW, actor="cli:ops", origin=ORIGIN)
    assert emitted.by() == Actor(ActorKind.ANONYMOUS, "cli:ops", frozenset(), origin=ORIGIN)
    assert emitted.by().name == "cli:ops"

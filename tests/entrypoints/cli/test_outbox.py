"""`moothall outbox`."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from application.app import Application
from domain.jobs.job import Job
from tests.entrypoints.cli.command import Moothall
from tests.entrypoints.work import a_delivery, a_job, failed, store

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def _set_aside(moothall: Moothall, count: int) -> list[Job]:
    """As many deliveries, the one that failed last first; beside a job that failed, which is another matter."""
    deliveries = [a_delivery(NOW.replace(minute=59 - number % 60)) for number in range(count)]

    async def work(application: Application) -> None:
        await store(application, *deliveries, failed(a_job(NOW)))

    moothall.behind(work)
    return deliveries


def test_what_was_set_aside_is_listed_failed_last_first(moothall: Moothall) -> None:
    last, first = _set_aside(moothall, 2)
    assert moothall.good("outbox", "list").out.splitlines() == [
        f"{delivery.id}\t2026-11-21T09:{minute}:00Z\temail.verified\tmail-welcome\t1\t{delivery.error}"
        for delivery, minute in ((last, 59), (first, 58))
    ]
    [found] = moothall.good("--json", "outbox", "list", "--limit", "1").json
    assert found.keys() == {"id", "event_id", "event", "reaction", "actor", "at", "attempts", "error", "failed_at"}
    assert (found["id"], found["actor"]) == (str(last.id), "anonymous")


def test_without_anything_set_aside_the_list_is_empty(moothall: Moothall) -> None:
    assert moothall.good("outbox", "list").out == ""
    assert moothall.good("--json", "outbox", "list").json == []
    assert moothall.good("outbox", "retry", "--all").err == "Tried again soon: 0.\n"


def test_one_is_tried_again_and_done(moothall: Moothall) -> None:
    one, other = _set_aside(moothall, 2)
    outcome = moothall.good("outbox", "retry", str(one.id))
    assert (outcome.out, outcome.err) == ("", "Tried again soon: 1.\n")
    assert [found["id"] for found in moothall.good("--json", "outbox", "list").json] == [str(other.id)]
    assert moothall("outbox", "retry", str(one.id)).code == 3
    assert moothall.good("worker", "--once").err.startswith("Did 1 jobs.")
    assert len(moothall.good("--json", "outbox", "list").json) == 1


def test_all_are_tried_again_at_once(moothall: Moothall) -> None:
    deliveries = _set_aside(moothall, 130)
    assert moothall.good("outbox", "retry", "--all").err == "Tried again soon: 130.\n"
    assert moothall.good("--json", "outbox", "list").json == []
    entries = moothall.good("--json", "audit", "list", "--action", "delivery.retried").json
    assert {entry["item"] for entry in entries} == {str(delivery.id) for delivery in deliveries}
    assert {entry["subject"] for entry in entries} == {"mail-welcome"}


def test_what_can_never_succeed_is_discarded(moothall: Moothall) -> None:
    one, other = _set_aside(moothall, 2)
    refused = moothall("outbox", "discard", str(one.id))
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert moothall.good("--yes", "outbox", "discard", str(one.id)).err == "Discarded: 1.\n"
    assert [found["id"] for found in moothall.good("--json", "outbox", "list").json] == [str(other.id)]
    assert moothall.good("--yes", "outbox", "discard", "--all").err == "Discarded: 1.\n"
    assert moothall.good("worker", "--once").err.startswith("Did 0 jobs.")
    assert moothall("--yes", "outbox", "discard", str(one.id)).code == 3


@pytest.mark.parametrize("words", [(), ("--all", str(uuid4())), ("welcome",)])
def test_what_to_retry_has_to_be_clear(moothall: Moothall, words: tuple[str, ...]) -> None:
    assert moothall("outbox", "retry", *words).code == 2


def test_what_was_not_set_aside_is_not_found(moothall: Moothall) -> None:
    outcome = moothall("--json", "outbox", "retry", str(uuid4()))
    assert (outcome.code, outcome.error["code"]) == (3, "delivery-not-found")

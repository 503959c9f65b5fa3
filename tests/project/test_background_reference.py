"""`docs/background-work.md` names every event with its reactions, every periodic job, every status, and the figures."""

import re
from dataclasses import fields, replace
from datetime import timedelta
from typing import TypeVar

from application.housekeeping import DELIVERIES_KEPT_FOR, JOBS_KEPT_FOR, SET_ASIDE_KEPT_FOR
from application.jobs.runner import GIVE_BACK_AFTER, HANDS, HOLD_EVERY, LEASE, LOOK_EVERY
from application.reactions import REACTIONS, Reactions
from application.work import BackgroundWork
from domain.events import Event
from domain.jobs.job import FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS, MOST_STRIKES, Status
from tests.project.places import REPOSITORY, read

REFERENCE = "docs/background-work.md"
T = TypeVar("T")

NAME = re.compile(r"`([^`]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is."""
    table = read(REFERENCE).split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def names(cell: str) -> tuple[str, ...]:
    return tuple(NAME.findall(cell))


def spoken(time: timedelta | float) -> str:
    """As people say it: `10 minutes`."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    units = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    unit, length = next((unit, length) for unit, length in units.items() if seconds % length == 0)
    count = int(seconds // length)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def test_every_event_and_its_reactions_are_named() -> None:
    told = {names(event)[0]: names(reactions) for event, _, reactions in rows("event")}
    assert told == {kind.name: tuple(reaction.name for reaction in reactions) for kind, reactions in REACTIONS.items()}


def test_no_event_is_without_a_row_in_the_table_of_reactions() -> None:
    of_the_product = {name for name, kind in Event.kinds.items() if kind.__module__.startswith("domain.")}
    assert {kind.name for kind in REACTIONS} == of_the_product


def _of_nothing(kind: type[T]) -> T:
    return kind(**{field.name: None for field in fields(kind)})  # type: ignore[arg-type]


def test_every_periodic_job_is_named() -> None:
    """Only their names are asked for: nothing is done, and so nothing is needed to do it with."""
    work = replace(_of_nothing(BackgroundWork), reactions=_of_nothing(Reactions))
    told = {names(kind)[0]: every for kind, every, _ in rows("periodic job")}
    assert told == {kind.name: spoken(kind.every) for kind in work.kinds() if kind.every is not None}


def test_every_status_is_explained() -> None:
    assert [names(status)[0] for status, _ in rows("status")] == [status.value for status in Status]


def test_the_figures_are_those_of_the_code() -> None:
    assert dict(rows("figure")) == {
        "how long a lease lasts": spoken(LEASE),
        "how often leases are renewed, and cancellations heard of": spoken(HOLD_EVERY),
        "how often workers look for jobs that nobody woke them for": spoken(LOOK_EVERY),
        "how many jobs a worker does at once": str(HANDS),
        "the first wait": spoken(FIRST_WAIT),
        "the longest wait": spoken(LONGEST_WAIT),
        "the strikes after which a job is dead": str(MOST_STRIKES),
        "the attempts at something that is away": str(MOST_ATTEMPTS),
        "how long jobs get to finish when a worker is stopped": spoken(GIVE_BACK_AFTER),
        "how long finished jobs are kept": spoken(JOBS_KEPT_FOR),
        "how long deliveries and events are kept that are done with": spoken(DELIVERIES_KEPT_FOR),
        "how long deliveries are kept that were set aside": spoken(SET_ASIDE_KEPT_FOR),
    }


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []

"""`docs/operations.md` names every metric with its labels, every header, and every bound."""

import re

from prometheus_client import CollectorRegistry

from adapters.images import MOST_WAITING
from adapters.security.bcrypt_hasher import WAITING_FOR_EACH_THREAD
from adapters.sql.turns import WAITING_FOR_EACH
from application.profiles.ports import LARGEST_IMAGE
from entrypoints.http.connections import HEADERS_WITHIN
from entrypoints.http.metrics import Metrics
from entrypoints.http.middleware import BODY_WITHIN, HEADERS, HSTS, UNLESS_GIVEN
from entrypoints.settings import Settings
from tests.project.places import REPOSITORY, read

REFERENCE = "docs/operations.md"
NAME = re.compile(r"`([^`]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is."""
    table = read(REFERENCE).split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_every_metric_is_told_with_its_kind_its_labels_and_what_it_tells() -> None:
    metrics = Metrics("0")
    metrics.answered("GET", "/", 200, 0.0)
    registry: CollectorRegistry = metrics._registry
    told = {NAME.findall(row[0])[0]: (row[1], set(NAME.findall(row[2])), row[3]) for row in rows("metric")}
    found = {}
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, labels, family.documentation)
    assert told == found


def test_every_header_is_told() -> None:
    told = {NAME.findall(name)[0].lower(): NAME.findall(value)[0] for name, value in rows("header")}
    assert told == {name.decode(): value.decode() for name, value in (*HEADERS, HSTS, *UNLESS_GIVEN)}


def test_every_bound_is_that_of_the_code() -> None:
    bounds = [int(re.findall(r"\d+", how_much)[0]) for _, how_much, _ in rows("what")]
    most = Settings.model_fields["max_in_flight"].default
    assert bounds == [
        most,
        HEADERS_WITHIN,
        BODY_WITHIN,
        LARGEST_IMAGE // 2**20,
        MOST_WAITING,
        WAITING_FOR_EACH_THREAD,
        WAITING_FOR_EACH,
        WAITING_FOR_EACH,
        WAITING_FOR_EACH,
    ]


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []

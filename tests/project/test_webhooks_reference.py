"""`docs/webhooks.md` names every event with its fields, and its receiver is one that runs."""

import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from datetime import UTC, datetime

import httpx

from application.housekeeping import WEBHOOK_DELIVERIES_KEPT_FOR
from application.webhooks.gate import LONGEST_REST, MOST_AT_ONCE, MOST_FOR_ONE
from domain.webhooks.catalogue import EVENTS
from domain.webhooks.delivery import FIRST_WAIT, GIVE_UP_AFTER, LEAST_ATTEMPTS, LONGEST_WAIT
from domain.webhooks.signature import signature
from domain.webhooks.webhook import MOST_WEBHOOKS, OVERLAP
from entrypoints.http.app import create_app
from entrypoints.http.event_catalogue import schema_of
from entrypoints.settings import Settings
from tests.project.places import REPOSITORY, read
from tests.project.server import free_port
from tests.project.test_background_reference import names, spoken

REFERENCE = "docs/webhooks.md"
SOON = 30.0
TEXT = read(REFERENCE)
SECRET = "whsec_kuHwIQ4BX2m5LASpfUnJKOdfV/d+M7QNMfHUxQYtq7o="


def rows(heading: str) -> list[list[str]]:
    table = TEXT.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_every_event_is_told_with_its_fields() -> None:
    told = [(names(event)[0], sentence, names(data)) for event, sentence, data in rows("event")]
    assert told == [
        (name, kind.__doc__, tuple(field.name for field in fields(kind)))  # type: ignore[arg-type]
        for name, kind in EVENTS.items()
    ]


def test_the_description_of_the_api_has_the_same_catalogue() -> None:
    described = create_app(Settings(), in_memory=True).openapi()["webhooks"]
    assert set(described) == set(EVENTS)
    for name, kind in EVENTS.items():
        operation = described[name]["post"]
        assert operation["summary"] == kind.__doc__
        assert operation["requestBody"]["content"]["application/json"]["schema"] == schema_of(kind)


def test_the_figures_are_those_of_the_code() -> None:
    for said in (
        f"{MOST_WEBHOOKS} webhooks at most",
        f"up to {spoken(LONGEST_REST)}",
        f"At most {MOST_FOR_ONE} messages to one webhook, and {MOST_AT_ONCE} in all",
        f"after {FIRST_WAIT.seconds} s, 10 s, 20 s",
        f"for {spoken(GIVE_UP_AFTER)}, and {LEAST_ATTEMPTS} times at least",
        f"kept for {spoken(WEBHOOK_DELIVERIES_KEPT_FOR)}",
    ):
        assert said in " ".join(TEXT.split()), said
    assert (spoken(LONGEST_WAIT), spoken(OVERLAP)) == ("1 hour", "1 day")


def test_the_receiver_runs_and_knows_what_is_ours() -> None:
    [program] = re.findall(r"```python\n(.+?)```", TEXT, re.DOTALL)
    port = free_port()
    environment = {**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    receiver = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + SOON
        while (status := _posts(port, b"{}", "v1,bm90aGluZw==")) is None:
            assert time.monotonic() < deadline
        assert status == 400
        body = b'{"type":"order.paid","data":{"order_id":"1"}}'
        for _ in range(2):
            assert _posts(port, body) == 204
    finally:
        receiver.terminate()
        said, _ = receiver.communicate()
    assert said.splitlines() == ["order.paid {'order_id': '1'}"]


def _posts(port: int, body: bytes, signed: str | None = None) -> int | None:
    """The status; None while nobody listens."""
    timestamp = str(int(datetime.now(UTC).timestamp()))
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signed or signature(SECRET, "m1", timestamp, body),
    }
    try:
        return httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=headers).status_code
    except httpx.TransportError:
        return None


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []

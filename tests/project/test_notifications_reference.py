"""`docs/notifications.md` names every kind with its defaults, what cannot be switched off, and how long all is kept."""

import re

from application.housekeeping import NOTIFICATIONS_KEPT_FOR, READ_NOTIFICATIONS_KEPT_FOR
from application.notifications.broadcasting import CHUNK
from domain.notifications.notification import LONGEST_BODY, LONGEST_TITLE, Kind
from domain.notifications.preferences import ALWAYS_ON, DEFAULTS
from tests.project.places import REPOSITORY, read

REFERENCE = "docs/notifications.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is."""
    table = read(REFERENCE).split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def said(kind: Kind, channel: str) -> str:
    if (kind, channel) in ALWAYS_ON:
        return "always on"
    return "on" if getattr(DEFAULTS[kind], channel) else "off"


def test_every_kind_is_told_with_its_defaults() -> None:
    told = {name.strip("`"): (here, mail.partition(":")[0]) for name, _, here, mail in rows("kind")}
    assert told == {kind.value: (said(kind, "in_app"), said(kind, "mail")) for kind in Kind}


def test_the_figures_are_those_of_the_code() -> None:
    assert [kept.partition(" ")[0] for _, kept in rows("what")] == [
        str(READ_NOTIFICATIONS_KEPT_FOR.days),
        str(NOTIFICATIONS_KEPT_FOR.days),
    ]
    text = " ".join(read(REFERENCE).split())
    assert f"one line of {LONGEST_TITLE} characters" in text
    assert f"a body has {LONGEST_BODY:,}" in text
    assert CHUNK == 1_000
    assert "a thousand in each transaction" in text


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []

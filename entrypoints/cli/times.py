"""Times as people type them."""

import re
from datetime import UTC, datetime, timedelta

import typer

from entrypoints.times import rfc_3339

DAYS = re.compile(r"(\d{1,5})d", re.ASCII)
EXAMPLE = "2026-11-21T09:30:00Z"


def moment(text: str) -> datetime:
    """A time in UTC.

    Raises:
        BadParameter: it is not written as RFC 3339 has it, or says no zone.
    """
    found = rfc_3339(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a time with its zone, such as {EXAMPLE}.")
    return found


def deadline(text: str) -> datetime:
    """A time, or a number of days from now.

    Raises:
        BadParameter: it is neither.
    """
    days = DAYS.fullmatch(text)
    found = datetime.now(UTC) + timedelta(days=int(days[1])) if days else rfc_3339(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is neither a time with its zone, such as {EXAMPLE}, nor days, such as 90d.")
    return found

"""Times as they come in, at every edge."""

import re
from datetime import UTC, datetime

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def rfc_3339(text: str) -> datetime | None:
    """In UTC; None where it is not written as RFC 3339 has it, says no zone, or is no time that there is."""
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC) if RFC_3339.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None

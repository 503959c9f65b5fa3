"""What a log line is: one for each record, with the request that it belongs to, and without secrets.

With the standard library's logging alone: libraries log through that anyway, and importing more for it would be felt
at every start.
"""

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from entrypoints.redaction import redacted, without_secrets

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered."""

TRACE_ID: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""Of the trace that it belongs to, where requests are traced."""

_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What could begin a new line, move the cursor, or show a text in another order than it has."""


class JsonLines(logging.Formatter):
    """An object a line: `timestamp` (RFC 3339, UTC), `level`, `logger`, `event`; where there are any `request_id`,
    `trace_id`, what was said beside the message, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": without_secrets(record.getMessage()),
            **_context(record),
        }
        if exception := _exception(record):
            line["exception"] = exception
        return json.dumps(line)  # ASCII: not even a line separator of Unicode's is left


class TextLines(logging.Formatter):
    """For people. A traceback follows its line, indented, so that nothing in it can be taken for another line."""

    def format(self, record: logging.LogRecord) -> str:
        beside = "".join(f" {name}={value}" for name, value in _context(record).items())
        event = without_secrets(record.getMessage())
        lines = [f"{_timestamp(record)} {record.levelname} {record.name}: {event}{beside}"]
        lines += [f"    {line}" for line in _exception(record).split("\n") if line]
        return "\n".join(_CONTROLS.sub(_escaped, line) for line in lines)


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _context(record: logging.LogRecord) -> dict[str, Any]:
    ids = {"request_id": REQUEST_ID.get(), "trace_id": TRACE_ID.get()}
    beside = {name: redacted(name, value) for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    return {name: value for name, value in ids.items() if value is not None} | beside


def _exception(record: logging.LogRecord) -> str:
    told = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else record.exc_text or ""
    if record.stack_info:
        told += record.stack_info
    return without_secrets(told).rstrip("\n")


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode("ascii")

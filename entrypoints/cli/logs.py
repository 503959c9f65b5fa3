"""Where log lines go: to standard error."""

from typing import Any


def log_config(level: str, *, as_json: bool) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, which does the same in each of its processes.

    Libraries never say more than warnings: what they tell for debugging can hold members' data.
    """
    own = {"level": level.upper()}
    lines = "entrypoints.logs.JsonLines" if as_json else "entrypoints.logs.TextLines"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": lines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"moothall": own, "uvicorn": own},
    }

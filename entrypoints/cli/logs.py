"""Where log lines go: to standard error."""

import logging
from typing import Any


class WithoutQuery(logging.Filter):
    """Requests are logged without what stands behind the path: the links in mails carry tokens there."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "uvicorn.access" and isinstance(record.args, tuple):
            record.args = tuple(
                part.partition("?")[0] if isinstance(part, str) and part.startswith("/") else part
                for part in record.args
            )
        return True


def log_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, which does the same in each of its processes.

    Libraries never say more than warnings: what they tell for debugging can hold members' data.
    """
    own = {"level": level.upper()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "filters": {"paths": {"()": f"{__name__}.WithoutQuery"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "text", "filters": ["paths"]}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"moothall": own, "uvicorn": own},
    }

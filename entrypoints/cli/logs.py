"""Where log lines go: to standard error."""

from typing import Any


def log_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, which does the same in each of its processes.

    Libraries never say more than warnings: what they tell for debugging can hold members' data.
    """
    own = {"level": level.upper()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "text"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"moothall": own, "uvicorn": own},
    }

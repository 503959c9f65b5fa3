"""Settings for tests that are about other things than limits."""

from application.limits import Limit
from entrypoints.settings import Settings

UNLIMITED = {f"rate_limit_{name}": "off" for name in ("default", "login", "register", "mail")}
UNLIMITED_BY_ENVIRONMENT = {f"MOOTHALL_{name.upper()}": value for name, value in UNLIMITED.items()}

LIMITS_BY_DEFAULT = {f"MOOTHALL_{name.upper()}": Settings.model_fields[name].default for name in UNLIMITED}

FOR_EVER = 10**9
"""A window in seconds that does not end while tests run: it did in 2001, and will in 2033."""


def a_limit(amount: int = 3, seconds: int = FOR_EVER, *, name: str = "test") -> Limit:
    return Limit(name, amount, seconds)

"""Settings for tests that are about other things than limits."""

from pathlib import Path

from application.limits import Limit
from entrypoints.settings import Settings
from tests.services import empty_redis_url
from tests.stores import database_url

UNLIMITED = {f"rate_limit_{name}": "off" for name in ("default", "login", "register", "mail", "live")}
UNLIMITED_BY_ENVIRONMENT = {f"MOOTHALL_{name.upper()}": value for name, value in UNLIMITED.items()}

LIMITS_BY_DEFAULT = {f"MOOTHALL_{name.upper()}": Settings.model_fields[name].default for name in UNLIMITED}

FOR_EVER = 10**9
"""A window in seconds that does not end while tests run: it did in 2001, and will in 2033."""


def a_limit(amount: int = 3, seconds: int = FOR_EVER, *, name: str = "test") -> Limit:
    return Limit(name, amount, seconds)


def settings_with(store_name: str, directory: Path, *, with_redis: bool, **limits: str) -> Settings:
    """Cheap hashes on a cleaned store, and no limits but these."""
    return Settings(
        bcrypt_cost=4,
        data_dir=directory,
        database_url=database_url(store_name, directory),
        redis_url=empty_redis_url() if with_redis else None,
        redis_timeout=5,
        **{**UNLIMITED, **limits},
    )

"""Column types that mean the same on PostgreSQL and on SQLite."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


class _UtcOnSqlite(TypeDecorator[datetime]):
    """SQLite has no times: they are kept as UTC text of fixed width, so that sorting the text sorts the times."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} says no time zone.")
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None else None


Time = DateTime(timezone=True).with_variant(_UtcOnSqlite(), "sqlite")
"""A moment, aware and in UTC on the way out, to the microsecond."""

Key = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and sorted by code point, whatever the database's own collation (SQLite does so anyway)."""

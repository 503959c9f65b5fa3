"""Column types that mean the same on PostgreSQL and on SQLite."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


class Time(TypeDecorator[datetime]):
    """A moment to the microsecond, aware, and in UTC on the way out.

    SQLite has no times: they are kept as UTC text of fixed width there, so that sorting the text sorts the times.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:  # the driver would take it for the local time, wherever that is
            raise ValueError(f"{value} says no time zone.")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


Key = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and sorted by code point, whatever the database's own collation (SQLite does so anyway)."""

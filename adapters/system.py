"""Time and ids from the machine."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from application.ports import Clock, Ids


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)


class Uuid7Ids(Ids):
    def new(self) -> UUID:
        return uuid7()

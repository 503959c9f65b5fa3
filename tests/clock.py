"""A clock that the test owns."""

from datetime import UTC, datetime, timedelta

from application.ports import Clock


class OwnClock(Clock):
    """Starts at the real time, so that tokens of real servers agree with it, and moves only when it is told to."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)

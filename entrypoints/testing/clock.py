"""A clock that goes as the machine's does, until a tester moves it."""

from datetime import UTC, datetime, timedelta

from application.ports import Clock
from domain.errors import Invalid


class TestersClock(Clock):
    """Tells the machine's time, shifted; or stands still. What counts how often (rate limits) has a time of its own,
    which is the machine's."""

    __test__ = False  # or pytest takes it for a test

    def __init__(self) -> None:
        self._shift = timedelta()
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift if self._frozen is None else self._frozen

    def advance(self, by: float | timedelta) -> None:
        """So many seconds later; earlier, where there are fewer than none.

        Raises:
            Invalid: `bad-time`; no calendar has that time.
        """
        try:
            self._move(self.now() + (by if isinstance(by, timedelta) else timedelta(seconds=by)))
        except (OverflowError, ValueError):
            raise _bad_time("/advance") from None

    def freeze(self, at: datetime | None = None) -> None:
        """Stand still, at an aware time or where it is."""
        self._frozen = self.now()
        if at is not None:
            try:
                self._move(at.astimezone(UTC))
            except (OverflowError, ValueError):
                raise _bad_time("/freeze") from None

    def run(self) -> None:
        """Go on from where it stands."""
        if self._frozen is not None:
            stood, self._frozen = self._frozen, None
            self._move(stood)

    def restore(self) -> None:
        """Tell the machine's time again."""
        self._frozen, self._shift = None, timedelta()

    def _move(self, to: datetime) -> None:
        if not EARLIEST <= to <= LATEST:
            raise ValueError(to)
        if self._frozen is None:
            self._shift += to - self.now()
        else:
            self._frozen = to


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""There has to be room for what expires after years."""


def _bad_time(pointer: str) -> Invalid:
    return Invalid.field("bad-time", pointer, f"The clock goes from {EARLIEST:%Y} to {LATEST:%Y}.")

"""Whether what was read from a database is still so."""

import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.notices import Notices
from adapters.version_table import VersionTable
from application.remembering import Changes

CHANNEL = "moothall_changes"
TRUSTED_FOR = 0.8
"""Seconds beyond what has been heard for certain; what is promised is one."""
_EVERYTHING = "*"
_MOST_NAMED = 200
"""Things in one notice: its payload has less than 8,000 bytes."""


class FileChanges(Changes):
    """On SQLite every commit counts as a change of everything. Whether there was one is told by the file itself, for a
    tenth of what reading a row takes (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._path = str(engine.url.database)
        self._connection: sqlite3.Connection | None = None
        event.listen(engine.sync_engine, "engine_disposed", self._close)

    def mark(self, about: Sequence[UUID]) -> object | None:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
            return self._connection, self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None

    def marks(self, abouts: Collection[Sequence[UUID]]) -> Sequence[object | None]:
        return [self.mark(())] * len(abouts)

    def holds(self, mark: object) -> bool:
        return mark == self.mark(())

    def _close(self, _: Engine) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(frozen=True, slots=True)
class _Mark:
    slots: tuple[int, ...]
    versions: tuple[int, ...]
    gaps: int
    made_at: float


class NotifiedChanges(Changes):
    """On PostgreSQL. What this machine's processes change is seen in the table they share as soon as it is
    acknowledged. What others change is heard; beyond what was heard for certain, nothing is trusted for long."""

    def __init__(self, notices: Notices, table: VersionTable) -> None:
        self._notices = notices
        self._table = table
        self._gaps = 0
        notices.listen(CHANNEL, self._heard, on_gap=self._missed)

    def mark(self, about: Sequence[UUID]) -> object | None:
        self._notices.attend()
        slots = self._table.slots(about)
        return _Mark(slots, self._table.versions(slots), self._gaps, time.monotonic())

    def marks(self, abouts: Collection[Sequence[UUID]]) -> Sequence[object | None]:
        return [self.mark(about) for about in abouts]

    def holds(self, mark: object) -> bool:
        return (
            isinstance(mark, _Mark)
            and mark.gaps == self._gaps
            and mark.versions == self._table.versions(mark.slots)
            and time.monotonic() - max(mark.made_at, self._notices.heard_until) < TRUSTED_FOR
        )

    def _heard(self, payload: str) -> None:
        if payload == _EVERYTHING:
            self._missed()
        else:
            self._table.change(map(UUID, payload.split(",")))

    def _missed(self) -> None:
        self._gaps += 1


def notice_of(changed: Iterable[UUID]) -> str:
    """The statement that tells everybody who listens; it goes out with the COMMIT."""
    named = [thing.hex for thing in changed]
    return f"NOTIFY {CHANNEL}, '{','.join(named) if len(named) <= _MOST_NAMED else _EVERYTHING}'"

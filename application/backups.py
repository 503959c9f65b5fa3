"""What is told of a backup."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupView:
    """Which version of Moothall saved it, at which revision of which engine, when (RFC 3339). How much is in it: rows
    by their table, and files."""

    moothall: str
    revision: str
    engine: str
    saved_at: str
    rows: Mapping[str, int]
    files: int

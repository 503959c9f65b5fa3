"""Everything in one file: the rows of either database, and the files beside it."""

from adapters.backups.backups import Backups

__all__ = ["Backups"]

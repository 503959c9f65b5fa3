"""From what a driver raises to what it means."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.sql.constraints import meaning_of
from domain.errors import MoothallError, Unavailable

_AWAY = (
    "08",  # connection exceptions
    "28",  # not let in
    "3D",  # no such database
    "40",  # deadlock, serialization
    "53",  # too many connections, disk full
    "57",  # statement timeout, shutdown, starting up
    "58",  # errors of the system below
    "25006",  # this server only reads: another one took over
    "25P03",  # idle in transaction for too long
    "55P03",  # lock timeout
)
"""Beginnings of the SQLSTATE codes with which the same request may succeed a little later."""

_NOT_ALLOWED = "42501"

_AWAY_ON_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
_PRIMARY_CODE = 0xFF


@contextmanager
def translated() -> Iterator[None]:
    """Around connecting or a statement: what has a meaning in the domain is raised as that, the rest as it is.

    Raises:
        Conflict: a constraint that members know was broken.
        Unavailable: `database-unavailable`; the database is away, overloaded, or took too long.
    """
    try:
        yield
    except Exception as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        # A broken constraint is told with the values that broke it: they shall not reach a log.
        raise meaning from (error if isinstance(meaning, Unavailable) else None)


def _not_allowed() -> Unavailable:
    return Unavailable(
        "database-privileges",
        "The database does not allow its user to do that; let it own the database: ALTER DATABASE … OWNER TO …",
    )


def unavailable() -> Unavailable:
    return Unavailable("database-unavailable", "The database does not answer; try again in a moment.", retry_after=1)


def _meaning(error: Exception) -> MoothallError | None:
    if isinstance(error, IntegrityError):
        return meaning_of(error.driver_exception)
    driver_error = error.driver_exception if isinstance(error, DBAPIError) else error
    if getattr(driver_error, "sqlstate", None) == _NOT_ALLOWED:
        return _not_allowed()
    if isinstance(error, DBAPIError):
        return unavailable() if error.connection_invalidated or _is_away(error.driver_exception) else None
    if isinstance(error, (PoolTimeout, OSError)) or _is_away(error):  # a TimeoutError is an OSError
        return unavailable()
    return meaning_of(error)  # of a driver that was asked directly


def _is_away(error: Exception) -> bool:
    """Whether this exception of a driver says so."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _AWAY_ON_SQLITE
    return str(getattr(error, "sqlstate", None)).startswith(_AWAY)

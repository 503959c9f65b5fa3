"""Members as CSV (RFC 4180), written while they are read: however many there are, few of them are in memory."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from application.identity.views import UserView
from domain.spreadsheets import neutralised
from entrypoints.csv_files import written

COLUMNS = (
    "id",
    "email",
    "username",
    "first_name",
    "last_name",
    "roles",
    "is_active",
    "is_verified",
    "created_at",
    "updated_at",
    "last_login_at",
)


async def as_csv(members: AsyncGenerator[Sequence[UserView], None]) -> AsyncGenerator[bytes, None]:
    """The parts of one file in UTF-8, the header with the first members; closing it closes `members`."""
    lines: list[Sequence[str]] = [COLUMNS]
    async with aclosing(members):
        async for some in members:
            lines.extend(map(_cells, some))
            yield written(lines)
            lines = []
    if lines:
        yield written(lines)


def _cells(user: UserView) -> Sequence[str]:
    return (
        str(user.id),
        _text(user.email),
        _text(user.username),
        _text(user.first_name),
        _text(user.last_name),
        _text(" ".join(user.roles)),
        "true" if user.is_active else "false",
        "true" if user.is_verified else "false",
        _time(user.created_at),
        _time(user.updated_at),
        _time(user.last_login_at),
    )


def _text(value: str | None) -> str:
    return "" if value is None else neutralised(value)


def _time(moment: datetime | None) -> str:
    """RFC 3339."""
    return "" if moment is None else moment.isoformat().replace("+00:00", "Z")

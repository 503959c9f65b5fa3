"""Members as CSV: whatever they are called, it comes back as it was, and no spreadsheet runs it."""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from application.identity.views import UserView
from domain.spreadsheets import restored
from entrypoints.users_csv import COLUMNS, as_csv

texts = st.text(st.sampled_from("=+-@\t\r\n'\",; aé😀") | st.characters(exclude_categories=["Cs"]), min_size=1)
times = st.datetimes(timezones=st.just(UTC))
views = st.builds(
    UserView,
    id=st.uuids(),
    email=texts,
    username=st.none() | texts,
    first_name=st.none() | texts,
    last_name=st.none() | texts,
    full_name=st.none(),
    is_active=st.booleans(),
    is_verified=st.booleans(),
    is_superuser=st.booleans(),
    roles=st.lists(st.text("-_aZ9", min_size=1), unique=True).map(lambda names: tuple(sorted(names))),
    created_at=times,
    updated_at=times,
    last_login_at=st.none() | times,
)


async def written(*pages: Sequence[UserView]) -> list[bytes]:
    async def some_at_a_time() -> AsyncGenerator[Sequence[UserView], None]:
        for page in pages:
            yield page

    return [part async for part in as_csv(some_at_a_time())]


def read(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(), newline=""), strict=True))


def as_told(cells: Sequence[str]) -> tuple[object, ...]:
    user_id, *names, roles, is_active, is_verified, created_at, updated_at, last_login_at = cells
    return (
        UUID(user_id),
        *(restored(name) or None for name in names),
        tuple(restored(roles).split()),
        {"true": True, "false": False}[is_active],
        {"true": True, "false": False}[is_verified],
        *(datetime.fromisoformat(at) if at else None for at in (created_at, updated_at, last_login_at)),
    )


@given(st.lists(st.lists(views, max_size=3), max_size=3))
async def test_every_cell_comes_back_and_none_begins_a_formula(pages: list[list[UserView]]) -> None:
    header, *rows = read(b"".join(await written(*pages)))
    assert tuple(header) == COLUMNS
    assert [as_told(row) for row in rows] == [
        tuple(getattr(user, column) for column in COLUMNS) for page in pages for user in page
    ]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_it_reads_like_this() -> None:
    moment = datetime(2026, 11, 21, 9, 30, 15, 120000, UTC)
    ada = UserView(
        id=UUID("01932f5a-0000-7000-8000-000000000001"),
        email="ada@example.com",
        username="ada",
        first_name='=HYPERLINK("http://evil.example")',
        last_name="King, née Byron",
        full_name="not in it",
        is_active=True,
        is_verified=False,
        is_superuser=True,
        roles=("admin", "member"),
        created_at=moment,
        updated_at=moment.replace(microsecond=0),
        last_login_at=None,
    )
    assert await written([ada]) == [
        b"id,email,username,first_name,last_name,roles,is_active,is_verified,created_at,updated_at,last_login_at\r\n"
        b"01932f5a-0000-7000-8000-000000000001,ada@example.com,ada,"
        b'"\'=HYPERLINK(""http://evil.example"")","King, n\xc3\xa9e Byron",admin member,true,false,'
        b"2026-11-21T09:30:15.120000Z,2026-11-21T09:30:15Z,\r\n"
    ]


async def test_of_nobody_there_is_the_header() -> None:
    assert await written() == [",".join(COLUMNS).encode() + b"\r\n"]


async def test_closing_it_closes_what_it_is_made_of() -> None:
    closed = []

    async def endless() -> AsyncGenerator[Sequence[UserView], None]:
        try:
            while True:
                yield []
        finally:
            closed.append(True)

    parts = as_csv(endless())
    await anext(parts)
    await parts.aclose()
    assert closed

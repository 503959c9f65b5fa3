"""What becomes of a file does not depend on where its chunks are cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from application.imports import importing
from domain.access.actor import operator
from domain.imports.members_import import OnDuplicate
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.entrypoints.http.importing import streamed

OPERATOR = operator("test")
Rows = Sequence[tuple[str, str, str, str]]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a@x.org", "b@x.org", "c@x.org", "nobody"]),
        st.sampled_from(["", "one", "two", "three"]),
        st.sampled_from(["", "Ada", "Bob"]),
        st.sampled_from(["", "7", "8"]),
    ),
    min_size=1,
    max_size=7,
)
THERE = ROWS.map(lambda rows: rows[1:3])


async def outcome(rows: Rows, there: Rows, on_duplicate: OnDuplicate, *, chunk: int, dry_run: bool = False) -> Any:
    """The counts, the refused rows, and who is there then with what; of a dry run without that."""
    chosen = Settings(bcrypt_cost=4, data_dir=Path("nowhere"))
    with patch.object(importing, "CHUNK", chunk):
        async with open_application(chosen, in_memory=True) as application:

            async def imported(some: Rows, how: OnDuplicate, *, dry: bool) -> Any:
                table = "email,username,first_name,external_id\n" + "".join(",".join(row) + "\n" for row in some)
                found = await application.imports.start_import(
                    OPERATOR, content=streamed(table.encode()), on_duplicate=how, dry_run=dry
                )
                await application.runner.for_kind("import-members").drain()
                return await application.imports.show_import(OPERATOR, import_id=found.id)

            if there:
                await imported(there, OnDuplicate.REJECT, dry=False)
            view = await imported(rows, on_duplicate, dry=dry_run)
            pages = await application.imports.list_rejected_rows(OPERATOR, import_id=view.id)
            refused = [row async for page in pages for row in page]
            counts = (view.created, view.updated, view.skipped, view.rejected)
            if dry_run:
                return counts, refused
            page = await application.identity.list_users(OPERATOR)
            users = sorted((user.email, user.username or "", user.first_name or "") for user in page.items)
            ids = {user.email: await application.export_personal_data(OPERATOR, user_id=user.id) for user in page.items}
            return counts, refused, users, {email: data.facts["external_id"] for email, data in ids.items()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, THERE, st.sampled_from(OnDuplicate))
@example([("a@x.org", "one", "", ""), ("a@x.org", "two", "", ""), ("b@x.org", "one", "", "")], [], OnDuplicate.UPDATE)
@example([("a@x.org", "", "", "7"), ("a@x.org", "", "", "8"), ("b@x.org", "", "", "7")], [], OnDuplicate.UPDATE)
@example([("a@x.org", "", "Ada", ""), ("a@x.org", "", "Ada", "")], [], OnDuplicate.UPDATE)
async def test_chunks_may_be_cut_anywhere(rows: Rows, there: Rows, on_duplicate: OnDuplicate) -> None:
    whole = await outcome(rows, there, on_duplicate, chunk=2_000)
    assert await outcome(rows, there, on_duplicate, chunk=1) == whole
    assert await outcome(rows, there, on_duplicate, chunk=3) == whole


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ROWS,
    THERE,
    st.sampled_from([OnDuplicate.SKIP, OnDuplicate.REJECT]),
    st.sampled_from([1, 2, 9]),
)
async def test_a_dry_run_tells_what_will_happen(rows: Rows, there: Rows, on_duplicate: OnDuplicate, chunk: int) -> None:
    """Where accounts are changed, names that are given up twice are beyond it."""
    real = await outcome(rows, there, on_duplicate, chunk=chunk)
    assert await outcome(rows, there, on_duplicate, chunk=chunk, dry_run=True) == real[:2]

"""Imports of members: how far they have come."""

from datetime import UTC, datetime
from uuid import UUID

from domain.imports.members_import import Counts, Importer, MembersImport, OnDuplicate, Source


def an_import(counts: Counts) -> MembersImport:
    return MembersImport(
        id=UUID(int=1),
        job_id=UUID(int=2),
        importer=Importer("cli:ada", frozenset({"*"})),
        source=Source.MOOTHALL,
        on_duplicate=OnDuplicate.SKIP,
        dry_run=False,
        invite=True,
        file_digest=bytes(32),
        file_size=100,
        lines=11,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        counts=counts,
    )


def test_counts_are_added_each_to_its_own() -> None:
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)
    assert Counts(1, 2, 3, 4) + Counts() == Counts(1, 2, 3, 4)


def test_every_row_that_is_done_is_counted_once() -> None:
    assert Counts().done == 0
    assert Counts(created=1, updated=10, skipped=100, rejected=1000).done == 1111


def test_an_import_goes_on_behind_the_rows_that_are_done() -> None:
    before = an_import(Counts(created=1, rejected=1))
    after = before.advanced(Counts(created=2, skipped=3))
    assert after == an_import(Counts(created=3, skipped=3, rejected=1))
    assert after.counts.done == 7

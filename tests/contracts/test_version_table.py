"""Versions of things, in memory that the processes of one machine share."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.version_table import SLOTS, VersionTable

IDENTITY = ("localhost", 5432, "moothall")


def versions(table: VersionTable, *things: UUID) -> tuple[int, ...]:
    return table.versions(table.slots(things))


def test_who_has_the_same_database_sees_a_change_at_once(tmp_path: Path) -> None:
    mine, theirs = (VersionTable.shared(IDENTITY, folder=tmp_path) for _ in range(2))
    thing = uuid4()
    before = versions(theirs, thing)
    mine.change([thing])
    assert versions(theirs, thing) != before
    assert versions(theirs, thing) == versions(mine, thing)


def test_another_process_sees_it_too(tmp_path: Path) -> None:
    mine = VersionTable.shared(IDENTITY, folder=tmp_path)
    thing = uuid4()
    before = versions(mine, thing)
    program = f"""
from pathlib import Path
from uuid import UUID
from adapters.version_table import VersionTable
VersionTable.shared({IDENTITY!r}, folder=Path({str(tmp_path)!r})).change([UUID({str(thing)!r})])
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert versions(mine, thing) != before


def test_another_database_has_another_table(tmp_path: Path) -> None:
    mine = VersionTable.shared(IDENTITY, folder=tmp_path)
    theirs = VersionTable.shared((*IDENTITY, "other"), folder=tmp_path)
    thing = uuid4()
    before = versions(theirs, thing)
    mine.change([thing])
    assert versions(theirs, thing) == before


@given(st.lists(st.uuids(), max_size=5), st.lists(st.uuids(), min_size=1, max_size=5))
def test_only_what_was_changed_seems_changed_unless_it_shares_a_slot(others: list[UUID], changed: list[UUID]) -> None:
    table = VersionTable()
    before = versions(table, *others)
    table.change(changed)
    touched = {thing.int % SLOTS for thing in changed}
    for thing, was, now in zip(others, before, versions(table, *others), strict=True):
        assert (was != now) == (thing.int % SLOTS in touched)
    table.close()


def test_the_last_one_removes_the_file(tmp_path: Path) -> None:
    first, second = (VersionTable.shared(IDENTITY, folder=tmp_path) for _ in range(2))
    first.close()
    assert len(list(tmp_path.iterdir())) == 1
    second.close()
    assert not list(tmp_path.iterdir())


def test_who_comes_back_finds_those_who_stayed(tmp_path: Path) -> None:
    stayed = VersionTable.shared(IDENTITY, folder=tmp_path)
    VersionTable.shared(IDENTITY, folder=tmp_path).close()
    thing = uuid4()
    VersionTable.shared(IDENTITY, folder=tmp_path).change([thing])
    assert versions(stayed, thing) != (0,)


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_file_that_others_could_read_or_write_is_not_used(tmp_path: Path, mode: int) -> None:
    mine = VersionTable.shared(IDENTITY, folder=tmp_path)
    (found,) = tmp_path.iterdir()
    found.chmod(mode)
    theirs = VersionTable.shared(IDENTITY, folder=tmp_path)
    thing = uuid4()
    mine.change([thing])
    assert versions(theirs, thing) == (0,)


def test_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    known = VersionTable.shared(IDENTITY, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    known.close()
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    path.symlink_to(other)
    VersionTable.shared(IDENTITY, folder=tmp_path).change([uuid4()])
    assert other.read_bytes() == b"precious"


def test_where_nothing_can_be_shared_it_works_alone(tmp_path: Path) -> None:
    alone = VersionTable.shared(IDENTITY, folder=tmp_path / "missing")
    thing = uuid4()
    alone.change([thing])
    assert versions(alone, thing) != (0,)

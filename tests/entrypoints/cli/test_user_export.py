"""`moothall users export`."""

import csv
import io
import stat
import subprocess
from pathlib import Path

from entrypoints.users_csv import COLUMNS
from tests.entrypoints.cli.command import PROGRAM, Moothall

HEADER = ",".join(COLUMNS)


def emails(moothall: Moothall, *options: str) -> list[str]:
    """In the order of their letters."""
    found = csv.DictReader(io.StringIO(moothall.good("users", "export", *options).out, newline=""), strict=True)
    return sorted(row["email"][:3] for row in found)


def test_accounts_are_written_as_csv_and_filtered_as_the_list_is(moothall: Moothall) -> None:
    moothall.user("ada", "--first-name", "Augusta", "--verified")
    moothall.user("bob", "--role", "admin")
    moothall.user("cyd")
    moothall.good("users", "deactivate", "cyd@example.com")
    assert emails(moothall) == ["ada", "bob", "cyd"]
    assert emails(moothall, "--role", "admin") == ["bob"]
    assert emails(moothall, "--active") == ["ada", "bob"]
    assert emails(moothall, "--inactive") == ["cyd"]
    assert emails(moothall, "--verified") == ["ada"]
    assert emails(moothall, "--unverified", "--active") == ["bob"]
    assert emails(moothall, "--q", "augu") == ["ada"]
    assert emails(moothall, "--q", "nobody") == []
    actions = [entry["action"] for entry in moothall.good("--json", "audit", "list").json]
    assert actions.count("users.exported") == 8


def test_a_file_is_for_its_owner_and_replaced_as_a_whole(moothall: Moothall) -> None:
    file = moothall.home / "members.csv"
    file.write_text("old")
    file.chmod(0o644)
    moothall.user("ada", "--first-name", "Zoë")
    written = moothall.good("users", "export", "--output", "members.csv")
    assert (written.out, written.err) == ("", "Written to members.csv.\n")
    header, row = file.read_bytes().decode().removesuffix("\r\n").split("\r\n")
    assert (header, "ada@example.com,,Zoë," in row) == (HEADER, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("old")
    failed = moothall("users", "export", "--output", "members.csv", "--q", "a" * 201)
    assert failed.code == 7
    assert file.read_text() == "old"
    assert not list(moothall.home.glob("*.part")) + list(moothall.home.glob(".*.part"))


def test_what_is_no_file_stays(moothall: Moothall) -> None:
    for place in ("/dev/null", ".", "missing/members.csv"):
        outcome = moothall("users", "export", "--output", place)
        assert outcome.code == 2, place
    assert not Path("/dev/null").is_file()


def test_a_reader_that_goes_away_is_no_error_to_talk_about(home: Path) -> None:
    ended = subprocess.run(f"{PROGRAM} users export | true", shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert ended.stderr == ""

"""`moothall db backup` and `moothall db restore`."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.entrypoints.cli.command import PROGRAM, Moothall, at_terminal
from tests.services import empty_postgres_url

PASSPHRASE = "a heron in the reeds"


@pytest.fixture
def filled(moothall: Moothall) -> Moothall:
    """With an administrator, in the embedded database."""
    assert moothall.admin().code == 0
    return moothall


def forget(moothall: Moothall) -> None:
    """The database, but not the secret."""
    for path in (moothall.home / "moothall-data").glob("moothall.db*"):
        path.unlink()


def users(moothall: Moothall) -> list[str]:
    return [user["email"] for user in moothall.good("--json", "users", "list").json]


def test_what_was_saved_is_brought_back(filled: Moothall) -> None:
    moothall = filled
    saved = moothall.good("--json", "db", "backup", "club.backup")
    file = moothall.home / "club.backup"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert saved.json["rows"]["users"] == 1
    assert (saved.json["files"], saved.json["bytes"], saved.json["encrypted"]) == (0, file.stat().st_size, False)
    assert "secret.key" in saved.err
    forget(moothall)

    restored = moothall.good("--json", "db", "restore", "club.backup")
    assert restored.json["rows"] == saved.json["rows"]
    assert restored.json["audit"]["broken"] == []
    assert users(moothall) == ["root@example.com"]
    [entry] = moothall.good("--json", "audit", "list", "--action", "database.restored").json
    assert entry["actor"].startswith("cli:")
    assert entry["subject"] == saved.json["saved_at"]

    again = moothall("--json", "db", "restore", "club.backup")
    assert (again.code, again.error["code"]) == (4, "database-not-empty")
    moothall.good("--yes", "db", "downgrade", "base")
    assert moothall.good("--quiet", "db", "restore", "club.backup").err == ""


def test_an_embedded_start_moves_to_postgresql_with_one_command(filled: Moothall) -> None:
    moothall = filled
    moothall.setting(DATABASE_URL=empty_postgres_url())
    moved = moothall.good("db", "restore", "moothall-data/moothall.db")
    assert "Restored" in moved.err
    assert "The audit trail is what was sealed" in moved.err
    assert users(moothall) == ["root@example.com"]


def test_an_existing_file_is_replaced_only_if_that_is_wanted(filled: Moothall) -> None:
    file = filled.home / "club.backup"
    file.write_text("something dear")
    refused = filled("db", "backup", "club.backup")
    assert (refused.code, file.read_text()) == (2, "something dear")
    assert "--yes" in refused.err
    filled.good("--yes", "db", "backup", "club.backup")
    assert file.read_bytes()[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("place", ["moothall-data", "moothall-data/moothall.db", "/dev/null", "nowhere/club.backup"])
def test_what_is_no_file_is_refused(filled: Moothall, place: str) -> None:
    assert filled("--yes", "db", "backup", place).code in (1, 2)
    assert Path("/dev/null").is_char_device()
    assert users(filled) == ["root@example.com"]


def test_half_a_backup_is_left_nowhere(filled: Moothall) -> None:
    blobs = filled.home / "moothall-data" / "blobs"
    blobs.write_text("in the way of the folder")
    assert filled("db", "backup", "club.backup").code == 9
    assert [path.name for path in filled.home.iterdir()] == ["moothall-data"]
    filled.good("db", "backup", "--without-files", "club.backup")


def test_without_a_database_there_is_nothing_to_save(moothall: Moothall) -> None:
    refused = moothall("--json", "db", "backup", "club.backup")
    assert (refused.code, refused.error["code"]) == (3, "no-database")


def test_an_encrypted_one_asks_for_its_passphrase(filled: Moothall) -> None:
    moothall = filled
    moothall.good("db", "backup", "--passphrase-stdin", "club.backup", stdin=f"{PASSPHRASE}\n")
    forget(moothall)
    assert moothall("db", "restore", "club.backup").code == 2
    wrong = moothall("--json", "db", "restore", "--passphrase-stdin", "club.backup", stdin="another")
    assert (wrong.code, wrong.error["code"]) == (6, "bad-passphrase")
    assert moothall.good("db", "current").out == ""
    with at_terminal("db", "restore", "club.backup") as asked:
        asked.expect("Passphrase: ")
        asked.type(f"{PASSPHRASE}\n")
        assert asked.end().code == 0
        assert PASSPHRASE not in asked.shown()
    assert users(moothall) == ["root@example.com"]


def test_a_passphrase_is_never_an_argument(filled: Moothall) -> None:
    assert filled("db", "backup", "--passphrase", PASSPHRASE, "club.backup").code == 2
    assert filled("db", "backup", "--encrypt", "club.backup").code == 2
    (filled.home / "passphrase").write_text("")
    assert filled("db", "backup", "--passphrase-file", "passphrase", "club.backup").code == 2
    assert filled("db", "restore", "--passphrase-stdin", "-", stdin="x").code == 2


def test_without_its_secret_it_says_which_one_to_bring_along(filled: Moothall) -> None:
    moothall = filled
    moothall.good("db", "backup", "club.backup")
    shutil.move("moothall-data", "elsewhere")
    refused = moothall("--json", "db", "restore", "club.backup")
    assert (refused.code, refused.error["code"]) == (4, "another-secret")
    assert not (moothall.home / "moothall-data" / "secret.key").exists()
    told = moothall.good("db", "restore", "--with-another-secret", "club.backup")
    assert "new password" in told.err
    assert users(moothall) == ["root@example.com"]
    moothall.good("--yes", "db", "downgrade", "base")
    shutil.copy("elsewhere/secret.key", "moothall-data")
    moothall.good("db", "restore", "club.backup")


def test_what_is_no_backup_is_refused(moothall: Moothall) -> None:
    (moothall.home / "notes.txt").write_text("Buy honey. " * 10)
    refused = moothall("--json", "db", "restore", "notes.txt")
    assert (refused.code, refused.error["code"]) == (7, "backup-damaged")
    assert moothall("db", "restore", "nowhere").code == 2
    assert moothall("db", "backup", "nowhere/club.backup").code == 2


def test_it_goes_through_a_pipe(filled: Moothall) -> None:
    moothall = filled
    shutil.copytree("moothall-data", "other", ignore=shutil.ignore_patterns("moothall.db*"))
    script = '"$0" db backup - | MOOTHALL_DATA_DIR=other "$0" db restore -'
    ran = subprocess.run(["bash", "-o", "pipefail", "-c", script, PROGRAM], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    moothall.setting(DATA_DIR="other")
    assert users(moothall) == ["root@example.com"]


def test_an_installation_that_was_only_looked_at_is_empty(moothall: Moothall) -> None:
    """Any command makes it a key, and leaves an entry in its trail."""
    moothall.user("ada")
    moothall.good("db", "backup", "club.backup")
    key = (moothall.home / "moothall-data" / "secret.key").read_text()
    moothall.setting(DATA_DIR="another", SECRET_KEY=key.strip())
    moothall.good("users", "list")
    told = moothall.good("db", "restore", "club.backup").err
    assert f"into the file {moothall.home / 'another' / 'moothall.db'}" in told
    assert [user["email"] for user in moothall.good("--json", "users", "list").json] == ["ada@example.com"]
    assert moothall("db", "restore", "club.backup").code == 4


def test_nobody_else_reads_the_embedded_database(moothall: Moothall) -> None:
    """Whoever made the folder."""
    (moothall.home / "moothall-data").mkdir(mode=0o755)
    moothall.user("ada")
    found = [file for file in (moothall.home / "moothall-data").iterdir() if file.name.startswith("moothall.db")]
    assert found
    assert {file.stat().st_mode & 0o777 for file in found} == {0o600}

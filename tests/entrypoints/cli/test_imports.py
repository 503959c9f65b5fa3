"""`moothall imports`."""

import csv
import io
import signal
from pathlib import Path

from application.app import Application
from entrypoints.cli.main import INTERRUPTED
from tests.entrypoints.cli.command import Moothall, started
from tests.project.places import REPOSITORY

EXPORTS = REPOSITORY / "tests" / "foreign" / "exports"
TABLE = "email,first_name\nada@example.com,Ada\nnobody,X\nbob@example.com,Bob\n"


def test_it_does_the_import_itself_while_it_is_watched(moothall: Moothall, home: Path) -> None:
    (home / "members.csv").write_text(TABLE)
    outcome = moothall.good("--json", "imports", "run", "members.csv", "--watch")
    found = outcome.json
    assert (found["status"], found["created"], found["rejected"]) == ("succeeded", 2, 1)
    assert found["imported_by"].startswith("cli:")
    assert "succeeded: 3/3, 1 rejected" in outcome.err
    assert "imports rejects" in outcome.err
    told = moothall.good("imports", "rejects", found["id"])
    [row] = csv.DictReader(io.StringIO(told.out))
    assert (row["line"], row["column"], row["row"]) == ("3", "email", "nobody,X")
    assert moothall.good("--json", "imports", "rejects", found["id"]).json[0]["line"] == 3
    emails = {user["email"] for user in moothall.good("--json", "users", "list").json}
    assert emails == {"ada@example.com", "bob@example.com"}


def test_else_it_waits_for_a_worker(moothall: Moothall) -> None:
    outcome = moothall.good("--json", "imports", "run", "-", "--on-duplicate", "skip", stdin=TABLE)
    assert outcome.json["status"] == "queued"
    assert "A server or a worker does it" in outcome.err

    async def work(application: Application) -> None:
        await application.runner.drain()

    moothall.behind(work)
    shown = moothall.good("imports", "show", outcome.json["id"])
    assert "succeeded" in shown.out
    assert "3/3, 1 rejected" in shown.out


def test_a_dry_run_changes_nothing(moothall: Moothall) -> None:
    found = moothall.good("--json", "imports", "run", "-", "--dry-run", "--watch", stdin=TABLE).json
    assert (found["dry_run"], found["created"]) == (True, 2)
    assert moothall.good("--json", "users", "list").json == []


def test_files_of_others_are_read_as_theirs(moothall: Moothall) -> None:
    table = "id,email,hashed_password,is_superuser,is_active\n1,ada@example.com,,t,f\n"
    found = moothall.good("--json", "imports", "run", "-", "--from", "fastapi-users", "--watch", stdin=table).json
    assert found["source"] == "fastapi-users"
    [ada] = moothall.good("--json", "users", "list").json
    assert (ada["is_active"], ada["roles"]) == (False, ["admin", "member"])


def test_a_file_that_cannot_be_read_is_refused(moothall: Moothall, home: Path) -> None:
    assert moothall("imports", "run", "missing.csv").code == 2
    refused = moothall("--json", "imports", "run", "-", stdin="name\nAda\n")
    assert (refused.code, refused.error["code"]) == (7, "no-email-column")
    assert moothall("imports", "show", "01234567-89ab-7def-8123-456789abcdef").code == 3


def test_progress_is_seen_from_a_second_terminal(moothall: Moothall, home: Path) -> None:
    """And Ctrl-C ends the watching: whatever was not done by then, somebody else does."""
    count = 20_000
    (home / "members.csv").write_text("email\n" + "".join(f"m{n}@example.com\n" for n in range(count)))
    with started("imports", "run", "members.csv", "--watch") as importing:
        importing.expect("running: ")
        [job] = moothall.good("--json", "jobs", "list", "--kind", "import-members").json
        assert job["progress"]["total"] == count
        assert importing.end(signal.SIGINT).code == INTERRUPTED

    async def work(application: Application) -> None:
        await application.runner.drain()

    moothall.behind(work)
    whole = moothall.good("--json", "jobs", "show", job["id"]).json
    assert (whole["status"], whole["result"]["created"]) == ("succeeded", count)


def test_a_keycloak_realm_becomes_a_file_that_can_be_imported(moothall: Moothall) -> None:
    table = moothall.good("imports", "convert-keycloak", str(EXPORTS / "keycloak-realm.json")).out
    found = moothall.good("--json", "imports", "run", "-", "--watch", stdin=table).json
    assert (found["created"], found["rejected"]) == (6, 3)
    assert moothall("imports", "convert-keycloak", str(EXPORTS / "django.csv")).code == 2

"""`moothall worker`."""

import signal
import sqlite3
from contextlib import closing

from application.app import Application
from tests.clock import OwnClock
from tests.entrypoints.cli.command import OPERATOR, PASSWORD, Moothall, started


def _let_a_session_run_out(moothall: Moothall) -> None:
    moothall.good("users", "create", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD)

    async def log_in(application: Application) -> None:
        await application.identity.log_in(OPERATOR, login="ada@example.com", password=PASSWORD)

    long_ago = OwnClock()
    long_ago.advance(days=-365)
    moothall.behind(log_in, clock=long_ago)


def test_cron_has_everything_done_once(moothall: Moothall) -> None:
    _let_a_session_run_out(moothall)
    moothall.good("users", "invite", "--email", "bob@example.com")
    first, second = (moothall.good("worker", "--once").err for _ in range(2))
    assert len(list((moothall.home / "moothall-data" / "mails").iterdir())) == 1
    # the signing key, the account, the session, the invitation, the sweep
    assert first.startswith("Did 1 jobs. Swept 1 sessions, ")
    assert first.endswith("Sealed 5 entries of the audit trail.\n")
    assert second.startswith("Did 0 jobs. Swept 0 sessions, ")
    assert second.endswith("Sealed 0 entries of the audit trail.\n")


def test_it_sweeps_and_does_jobs_until_it_is_told_to_stop(moothall: Moothall) -> None:
    _let_a_session_run_out(moothall)
    with started("worker") as worker:
        worker.expect("Waiting for jobs.")
        moothall.good("users", "invite", "--email", "bob@example.com")
        worker.expect("A mail was written to ")
        ended = worker.end(signal.SIGTERM)
    assert ended.code == 0
    assert ended.err.endswith("Stopped.\n")
    [sweep] = moothall.good("jobs", "list", "--kind", "sweep", "--json").json
    assert sweep["result"]["sessions"] == 1


def test_it_tells_the_head_of_the_audit_trail_to_the_log(moothall: Moothall) -> None:
    """Once an hour: there it is out of reach for who can only write to the database."""
    moothall.user("ada")
    with started("worker") as worker:
        said = worker.expect("The audit trail is sealed up to ") + worker.expect("\n")
        ended = worker.end(signal.SIGTERM)
    head = said.rpartition("sealed up to ")[2].partition(".")[0]
    moothall.good("audit", "verify", "--head", head)
    assert ended.err.count("sealed up to") == 1


def test_a_database_that_is_away_for_a_while_is_waited_for(moothall: Moothall) -> None:
    moothall.good("users", "list")
    moothall.setting(DB_TIMEOUT="0.2")
    with (
        started("worker") as worker,
        closing(sqlite3.connect(moothall.home / "moothall-data" / "moothall.db", isolation_level=None)) as other,
    ):
        worker.expect("Waiting for jobs.")
        other.execute("BEGIN IMMEDIATE")
        worker.expect("Jobs wait: ")
        other.execute("ROLLBACK")
        moothall.good("users", "invite", "--email", "bob@example.com")
        worker.expect("A mail was written to ")
        ended = worker.end(signal.SIGINT)
    assert ended.code == 0
    assert "Traceback" not in ended.err


def test_without_a_database_it_does_not_start(moothall: Moothall) -> None:
    moothall.setting(DATABASE_URL="postgresql://moot:s3cret@127.0.0.1:1/moot", DB_TIMEOUT="0.5")
    with started("worker") as worker:
        ended = worker.end()
    assert ended.code == 9
    assert ended.err.startswith("error: The database does not answer; try again in a moment. (")
    assert "refused" in ended.err

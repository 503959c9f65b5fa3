"""The mail server goes away, or refuses somebody, or no worker runs: nothing is lost, and nobody waits for others."""

import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.mailbox import Received
from tests.project.server import HOST, Server, free_port, serving, working_beside
from tests.services import execute, wait_for
from tests.smtp_server import Behaviour, RunningServer, smtp_server
from tests.stores import POSTGRESQL, database_url

ADA = "ada@example.com"
MEMBERS = [ADA, *(f"member{number}@example.com" for number in range(4))]
COMES_WITHIN = 20.0
"""Seconds. Attempts are 1 s, 2 s, 4 s … apart, less up to a half."""
SETTINGS = {"MOOTHALL_BCRYPT_COST": "4", "MOOTHALL_SMTP_TIMEOUT": "0.5"}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (None, "cannot be reached"),
        (Behaviour(recipient="451 4.3.2 come back later"), "answered 451 4.3.2"),
        (Behaviour(data="452 4.3.1 no space left"), "answered 452 4.3.1"),
        (Behaviour(delay=60), "did not answer in time"),
    ],
    ids=["away", "busy", "full", "hangs"],
)
def test_mails_wait_for_the_mail_server_and_each_comes_once(
    tmp_path: Path, behaviour: Behaviour | None, reason: str
) -> None:
    port = free_port()
    bad = nullcontext() if behaviour is None else smtp_server(tmp_path / "bad", port=port, behaviour=behaviour)
    with serving(tmp_path, env=SETTINGS | {"MOOTHALL_SMTP_URL": f"smtp://{HOST}:{port}"}) as server:
        with bad:
            for email in MEMBERS:
                register(server, email)
            until(lambda: all(attempts > 1 for attempts, _, _ in deliveries(server)))
            assert all(reason in error for _, _, error in deliveries(server) if error is not None)
        with smtp_server(tmp_path / "mailbox", port=port) as mailbox:
            each_came_once(mailbox)
            until(lambda: {status for _, status, _ in deliveries(server)} == {"succeeded"})
        assert set_aside(server) == []


def test_a_recipient_that_is_refused_holds_up_nobody_and_is_set_aside(tmp_path: Path) -> None:
    picky = Picky(ADA)
    with (
        picky.listening() as url,
        serving(tmp_path, env=SETTINGS | {"MOOTHALL_SMTP_URL": url}) as server,
    ):
        for email in MEMBERS:
            register(server, email)
        until(lambda: len(picky.taken) == len(MEMBERS) - 1 and set_aside(server) != [])
        [refused] = set_aside(server)
        assert (refused["event"], refused["reaction"]) == ("verification.started", "mail-verify-email")
        assert (refused["attempts"], refused["error"]) == (
            1,
            "mail-refused: The mail server refused the recipient (550 5.1.1).",
        )
        picky.refused = ""
        server.moothall("outbox", "retry", "--all")
        until(lambda: len(picky.taken) == len(MEMBERS))
        assert sorted(mail.to for mail in picky.taken) == sorted(MEMBERS)
        assert set_aside(server) == []


def test_on_postgresql_a_worker_sends_what_servers_leave_and_its_absence_is_found(tmp_path: Path) -> None:
    url = database_url(POSTGRESQL, tmp_path)
    assert url is not None
    with (
        smtp_server(tmp_path / "mailbox") as mailbox,
        serving(tmp_path, env=SETTINGS | {"MOOTHALL_SMTP_URL": mailbox.url, "MOOTHALL_DATABASE_URL": url}) as server,
    ):
        register(server, ADA)
        assert diagnosis(server)["status"] == "ok"  # a worker may be there, and take it in a moment
        wait_for(execute(url, "UPDATE jobs SET due_at = due_at - interval '61 seconds'"))
        found = diagnosis(server)
        assert found["status"] == "warning"
        assert found["detail"].startswith("1 due, the oldest since ")
        assert found["advice"].startswith("is a worker running?")
        assert mailbox.messages() == []
        with working_beside(server):
            mailbox.wait_for(1, COMES_WITHIN)
            until(lambda: diagnosis(server)["detail"] == "none waits")
            for email in MEMBERS[1:]:
                register(server, email)
            each_came_once(mailbox)


class Picky:
    """A mail server that refuses one recipient, in a thread."""

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.taken: list[Received] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """The URL."""
        port = free_port()
        controller = Controller(self, hostname=HOST, port=port)
        controller.start()
        try:
            yield f"smtp://{HOST}:{port}"
        finally:
            controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if address == self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(Received.of(envelope.original_content))
        return "250 2.0.0 OK"


def register(server: Server, email: str) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/api/v1/auth/register",
        json.dumps({"email": email, "password": "violet-anchor-42-lamp"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 201


def deliveries(server: Server) -> list[tuple[int, str, str | None]]:
    """How often each was tried, what became of it, and what went wrong at last."""
    with closing(sqlite3.connect(server.folder / "data" / "moothall.db", timeout=10)) as database:
        return database.execute("SELECT attempts, status, error FROM jobs WHERE event_id IS NOT NULL").fetchall()


def set_aside(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(server.moothall("--json", "outbox", "list"))
    return found


def diagnosis(server: Server) -> dict[str, str]:
    """What `moothall doctor` says of the jobs."""
    findings: list[dict[str, str]] = json.loads(server.moothall("--json", "doctor"))
    [found] = [finding for finding in findings if finding["check"] == "jobs"]
    return found


def each_came_once(mailbox: RunningServer) -> None:
    """One mail to each member; where one came twice, the mailbox knows it by its Message-ID."""
    mailbox.wait_for(len(MEMBERS), COMES_WITHIN)
    until(lambda: {mail["To"] for mail in mailbox.messages()} == set(MEMBERS))
    assert len({(mail["To"], mail["Message-ID"]) for mail in mailbox.messages()}) == len(MEMBERS)


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + COMES_WITHIN
    while not holds():
        assert time.monotonic() < limit, "It did not come true in time."
        time.sleep(0.05)

"""`moothall jobs`."""

import asyncio
import json
import os
import pty
import signal
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from application.app import Application
from application.jobs.kinds import JobKind, Run
from domain.errors import Invalid
from domain.jobs.job import Job, Progress
from entrypoints.bootstrap import open_application
from entrypoints.settings import load
from tests.entrypoints.cli.command import PROGRAM, Moothall, on_terminal, started
from tests.entrypoints.work import a_delivery, a_job, begun, failed, store

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PARTS = {
    "id", "kind", "status", "progress", "result", "error", "attempts", "user_id", "cancel_requested", "created_at",
    "not_before", "started_at", "finished_at",
}  # fmt: skip


def _stored(moothall: Moothall, *jobs: Job) -> None:
    async def work(application: Application) -> None:
        await store(application, *jobs)

    moothall.behind(work)


def _worked(work: Callable[[Run], Awaitable[object]]) -> None:
    """What a worker does that knows jobs of the kind `count`."""

    async def drain() -> None:
        async with open_application(load(), more_kinds=[JobKind("count", work)]) as application:
            assert await application.runner.drain() == 1

    asyncio.run(drain())


async def _count_to_three(run: Run) -> dict[str, int]:
    for done in (1, 2, 3):
        await asyncio.sleep(0.8)
        await run.progress(done, 3, rejected=done // 3)
    await asyncio.sleep(0.4)
    return {"counted": 3}


async def _count_what_nobody_counted(run: Run) -> None:
    for done in (1, 2):
        await asyncio.sleep(0.8)
        await run.progress(done)
    await asyncio.sleep(0.4)


async def _fail(run: Run) -> None:
    raise Invalid("bad-file", "This is not a file.")


def _status(moothall: Moothall, job: Job) -> str:
    status: str = moothall.good("--json", "jobs", "show", str(job.id)).json["status"]
    return status


# Seen


def test_jobs_are_listed_newest_first_and_found_by_what_they_are(moothall: Moothall) -> None:
    ada = UUID(moothall.user("ada", "--username", "ada")["id"])
    first = a_job(NOW, ada, progress=Progress(3, 10, 1))
    second = failed(a_job(NOW.replace(minute=31), kind="export"), "bad-file: Line\tone\nand two")
    delivery = a_delivery(NOW)
    _stored(moothall, first, second, delivery)
    lines = moothall.good("jobs", "list").out.splitlines()
    assert lines == [
        f"{second.id}\texport\tfailed\t0\t\t2026-11-21T09:31:00Z\tbad-file: Line\\tone\\nand two",
        f"{first.id}\tcount\tqueued\t3/10, 1 rejected\t{ada}\t2026-11-21T09:30:00Z\t",
    ]

    def found(*options: str) -> list[str]:
        return [job["id"] for job in moothall.good("--json", "jobs", "list", *options).json]

    assert found() == [str(second.id), str(first.id)]
    assert found("--limit", "1") == found("--status", "failed") == found("--kind", "export") == [str(second.id)]
    assert found("--user", "ada") == [str(first.id)]
    assert found("--status", "dead") == found("--kind", "mail-welcome") == []


@pytest.mark.parametrize("words", [("list", "--status", "late"), ("show", "x"), ("show",), ("cancel",), ("retry", "7")])
def test_a_wrong_word_is_a_usage_error(moothall: Moothall, words: tuple[str, ...]) -> None:
    assert moothall("jobs", *words).code == 2


def test_one_job_is_shown_with_all_that_there_is_to_know(moothall: Moothall) -> None:
    job = begun(a_job(NOW)).succeeded(NOW.replace(minute=40), {"counted": 3})
    _stored(moothall, job)
    found = moothall.good("--json", "jobs", "show", str(job.id)).json
    assert found.keys() == PARTS
    assert (found["status"], found["result"]) == ("succeeded", {"counted": 3})
    assert found["progress"] == {"done": 0, "total": None, "rejected": 0}
    assert (found["started_at"], found["finished_at"]) == ("2026-11-21T09:30:00Z", "2026-11-21T09:40:00Z")
    lines = moothall.good("jobs", "show", str(job.id)).out.splitlines()
    assert {"status\tsucceeded", "progress\t0", 'result\t{"counted": 3}', "user_id\t"} <= set(lines)
    assert "succeeded" in on_terminal("jobs", "show", str(job.id))


def test_what_is_no_job_is_not_found(moothall: Moothall) -> None:
    delivery = a_delivery(NOW)
    _stored(moothall, delivery)
    for verb in ("show", "cancel", "retry"):
        for job_id in (uuid4(), delivery.id):
            outcome = moothall("--json", "jobs", verb, str(job_id))
            assert (outcome.code, outcome.out, outcome.error["code"]) == (3, "", "job-not-found")
    assert moothall("jobs", "show", str(uuid4()), "--watch").code == 3


# Changed


def test_a_job_is_cancelled_and_retried(moothall: Moothall) -> None:
    job = a_job(NOW)
    _stored(moothall, job)
    assert moothall.good("--json", "jobs", "cancel", str(job.id)).json["status"] == "cancelled"
    assert moothall("jobs", "cancel", str(job.id)).code == 4
    assert moothall.good("--json", "jobs", "retry", str(job.id)).json["status"] == "queued"
    assert moothall("jobs", "retry", str(job.id)).code == 4
    actions = [entry["action"] for entry in moothall.good("--json", "audit", "list", "--limit", "2").json]
    assert actions == ["job.retried", "job.cancelled"]


def test_a_job_that_runs_is_asked_to_stop(moothall: Moothall) -> None:
    job = begun(a_job(NOW))
    _stored(moothall, job)
    outcome = moothall.good("jobs", "cancel", str(job.id))
    assert {"status\trunning", "cancel_requested\tyes"} <= set(outcome.out.splitlines())
    assert outcome.err == "It runs, and was asked to stop.\n"


# Watched


def test_who_watches_sees_each_step_and_the_end(moothall: Moothall) -> None:
    job = a_job(datetime.now(UTC))
    _stored(moothall, job)
    with started("--json", "jobs", "show", str(job.id), "--watch") as watching:
        watching.expect("queued: 0\n")
        _worked(_count_to_three)
        outcome = watching.end()
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "queued: 0", "running: 0", "running: 1/3", "running: 2/3", "running: 3/3, 1 rejected",
        "succeeded: 3/3, 1 rejected",
    ]  # fmt: skip
    assert (json.loads(outcome.out)["status"], json.loads(outcome.out)["result"]) == ("succeeded", {"counted": 3})


def test_a_job_that_knows_no_total_is_watched_too(moothall: Moothall) -> None:
    job = a_job(datetime.now(UTC))
    _stored(moothall, job)
    with started("jobs", "show", str(job.id), "--watch") as watching:
        watching.expect("queued: 0\n")
        _worked(_count_what_nobody_counted)
        outcome = watching.end()
    assert (outcome.code, outcome.err.splitlines()[-2:]) == (0, ["running: 2", "succeeded: 2"])
    assert "status\tsucceeded\n" in outcome.out


def test_a_job_that_fails_while_it_is_watched_is_a_failure(moothall: Moothall) -> None:
    job = a_job(datetime.now(UTC))
    _stored(moothall, job)
    with started("--quiet", "--json", "jobs", "show", str(job.id), "--watch") as watching:
        _worked(_fail)
        outcome = watching.end()
    assert (outcome.code, outcome.err) == (1, "")
    assert json.loads(outcome.out)["error"] == "bad-file: This is not a file."


def test_what_is_finished_is_not_waited_for(moothall: Moothall) -> None:
    now = datetime.now(UTC)
    jobs = [begun(a_job(now)) for _ in range(4)]
    ends = [jobs[0].succeeded(now), jobs[1].failed(now, "no"), jobs[2].cancelled(now)]
    dead = begun(a_job(now, strikes=7)).struck(now, "no", 0.0)
    _stored(moothall, *ends, dead)
    for job, code in zip((*ends, dead), (0, 1, 1, 1), strict=True):
        outcome = moothall("jobs", "show", str(job.id), "--watch")
        assert (outcome.code, outcome.err) == (code, f"{job.status.value}: 0\n")
        assert moothall("jobs", "show", str(job.id)).code == 0


def test_ctrl_c_ends_the_watching_and_not_the_job(moothall: Moothall) -> None:
    job = begun(a_job(datetime.now(UTC), progress=Progress(1, 2)))
    _stored(moothall, job)
    with started("jobs", "show", str(job.id), "--watch") as watching:
        watching.expect("running: 1/2\n")
        outcome = watching.end(signal.SIGINT)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "running: 1/2\n")
    assert _status(moothall, job) == "running"
    assert moothall.good("--json", "jobs", "show", str(job.id)).json["cancel_requested"] is False


@pytest.mark.parametrize("total", [4, None])
def test_a_terminal_gets_a_bar(moothall: Moothall, total: int | None) -> None:
    job = begun(a_job(datetime.now(UTC), progress=Progress(2, total, 1)))
    _stored(moothall, job)
    screen = _watched_on_a_terminal(moothall, job, job.succeeded(datetime.now(UTC)))
    assert "running" in screen
    assert "succeeded" in screen
    assert ("2/4, 1 rejected" if total else " 2, 1 rejected") in screen
    assert "━━━" in screen


def _watched_on_a_terminal(moothall: Moothall, job: Job, outcome: Job) -> str:
    """What a terminal shows on standard error while the job, which runs, comes to this end."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
        words = [str(PROGRAM), "jobs", "show", str(job.id), "--watch"]
        watching = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
        os.close(theirs)
        shown = terminal.read(65536)
        while b"running" not in shown:
            shown += terminal.read(65536)

        async def settle(application: Application) -> None:
            assert job.lease_id is not None
            async with application.jobs.retry_job.transactions.begin() as uow:
                assert await uow.jobs.settle(outcome, job.lease_id) is not None

        moothall.behind(settle)
        assert watching.wait(20) == 0
        try:
            while more := terminal.read(65536):
                shown += more
        except OSError:  # so a terminal ends that nobody holds open any more
            pass
        return shown.decode()

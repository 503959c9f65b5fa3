"""kill -9 at every row and commit edge of a member's life, and around each mail (S29, S30)."""

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory

from application.app import Application
from application.audit.views import AuditFilters
from application.identity.views import UserFilters
from application.jobs.views import JobFilters
from application.paging import PageRequest
from domain.access.actor import ANONYMOUS, operator
from domain.jobs.job import Status
from tests.drills.life import ADA, COUNTED, NEW_ADDRESS, SECOND_PASSWORD, examined, live
from tests.drills.processes import KILLED, Outcome, ended, started
from tests.mailbox import mails
from tests.stores import database_url

WITHIN = 60.0
LEASE_IS_OVER = 45.0
OPERATOR = operator("drill")
MAILED = {
    (ADA, "/verify-email?token="),
    (ADA, "/reset-password?token="),
    (NEW_ADDRESS, "/verify-email?token="),
}
TOLD = {ADA: 5, NEW_ADDRESS: 2}
"""How many different mails each address gets at least."""


def drill(store: str, instants: int, seed: int) -> Outcome:
    """At so many edges, chosen by the seed; at all of them, if there are not more."""
    with TemporaryDirectory() as folder:
        edges = _clean_run(store, Path(folder))
    chosen = sorted(random.Random(seed).sample(range(1, edges + 1), min(instants, edges)))
    tried, broken = 0, []
    for edge in chosen:
        with TemporaryDirectory() as folder:
            killed, flaws = _died_at(edge, store, Path(folder))
        tried += killed
        broken += [f"{store}, edge {edge} of {edges}: {flaw}" for flaw in flaws[:1]]
    return Outcome(f"kill -9 at an edge ({store})", tried, broken, f"of {edges} edges")


def _clean_run(store: str, folder: Path) -> int:
    url = database_url(store, folder)
    assert url is not None
    code = ended(started(live, url, folder, 0, 0.0), WITHIN)
    flaws = asyncio.run(_flaws(url, folder))
    assert code == 0, f"the clean run ended with {code}"
    assert not flaws, f"the clean run left {flaws}"
    return int((folder / "edges").read_text())


def _died_at(edge: int, store: str, folder: Path) -> tuple[bool, list[str]]:
    """Whether it was killed there, and what a second life that goes on from there leaves to be desired. Jobs are done
    side by side, so that a life may have an edge less than the one before, and be over already."""
    url = database_url(store, folder)
    assert url is not None
    code = ended(started(live, url, folder, edge, 0.0), WITHIN)
    if code == KILLED:
        code = ended(started(live, url, folder, 0, LEASE_IS_OVER), WITHIN)
        return True, asyncio.run(_flaws(url, folder)) if code == 0 else [f"the second life ended with {code}"]
    return False, asyncio.run(_flaws(url, folder)) if code == 0 else [f"it ended with {code}"]


async def _flaws(url: str, folder: Path) -> list[str]:
    """In what the rows differ from those of a clean run, and which mails are missing."""
    async with examined(url, folder) as application:
        return [
            *await _flaws_of_work(application),
            *await _flaws_of_accounts(application),
            *_flaws_of_mails(folder / "mails"),
        ]


async def _flaws_of_accounts(application: Application) -> list[str]:
    flaws = []
    page = await application.identity.list_users(OPERATOR, page=PageRequest(size=100))
    counted = sorted(user.first_name or "" for user in page.items if user.username is None)
    if counted != [f"counted {n}" for n in range(COUNTED)]:
        flaws.append(f"effects: {counted}")
    found = [(user.email, user.is_verified) for user in page.items if user.username == "ada"]
    if found != [(NEW_ADDRESS, True)]:
        flaws.append(f"the account: {found}")
    else:
        await application.identity.log_in(ANONYMOUS, login=NEW_ADDRESS, password=SECOND_PASSWORD)
    registered = await application.audit.list_entries.queries.count_entries(AuditFilters(action="user.registered"))
    if registered != 1:
        flaws.append(f"the trail says {registered} times that somebody registered")
    await application.audit.seal(OPERATOR)
    if not (await application.audit.verify(OPERATOR)).is_sound:
        flaws.append("the audit trail is broken")
    if (await application.identity.list_users(OPERATOR, filters=UserFilters(q="counted"))).total != COUNTED:
        flaws.append("the search finds something else")
    return flaws


async def _flaws_of_work(application: Application) -> list[str]:
    flaws = []
    jobs = await application.jobs.list_jobs(OPERATOR, filters=JobFilters(kind="count"), page=PageRequest(size=100))
    if [job.status for job in jobs.items] != [Status.SUCCEEDED] * COUNTED:
        flaws.append(f"jobs: {[job.status.value for job in jobs.items]}")
    backlog = await application.jobs.show_backlog(OPERATOR)
    if backlog.waiting:
        flaws.append(f"{backlog.waiting} are still waiting")
    failed = await application.jobs.list_failed_deliveries(OPERATOR)
    if failed.items:
        flaws.append(f"set aside: {failed.items}")
    return flaws


def _flaws_of_mails(directory: Path) -> list[str]:
    received = mails(directory)
    flaws = [
        f"no mail to {to} has {link}"
        for to, link in sorted(MAILED)
        if not any(mail.to == to and link in mail.plain for mail in received)
    ]
    for to, count in TOLD.items():
        subjects = {mail.subject for mail in received if mail.to == to}
        if len(subjects) < count:
            flaws.append(f"{to} got only {sorted(subjects)}")
    return flaws

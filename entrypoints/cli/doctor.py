"""`moothall doctor`: whether everything is there that the server needs, and what to do where it is not."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from domain.errors import Unavailable
from entrypoints.cli.errors import ExitCode
from entrypoints.cli.output import Output
from entrypoints.cli.running import first_admin, has_administrator, operator, read_settings, run, this_program
from entrypoints.wrong_settings import SettingsError

if TYPE_CHECKING:
    from application.app import Application
    from application.jobs.views import Backlog
    from entrypoints.settings import Settings


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` is what to do about it."""

    status: Status
    check: str
    detail: str
    advice: str = ""


COLUMNS = ("status", "check", "detail", "advice")
CORRECT_IT = "correct it"
LONGEST_WAIT = timedelta(minutes=1)
"""Of a job that is due; workers look for them every second."""


def doctor(context: typer.Context) -> None:
    """Check that all is there which the server needs.

    Like every command it makes and migrates the embedded database, where there is none yet.
    """
    findings = _examined()
    with Output.of(context).listing(COLUMNS) as add:
        add(findings)
    if any(finding.status is Status.FAILED for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _examined() -> Sequence[Finding]:
    """Each check that makes sense after those before it."""
    from entrypoints.traces import are_wanted

    try:
        settings = read_settings()
        are_wanted()
    except SettingsError as error:
        return [Finding(Status.FAILED, "settings", problem, CORRECT_IT) for problem in error.problems]
    findings = [Finding(Status.OK, "settings", "all are good"), _data_directory(settings)]
    if findings[-1].status is not Status.FAILED:
        findings += [_secret(settings), _proxies(settings), _redis(settings), _mail(settings), _blobs(settings)]
        if CORRECT_IT not in (finding.advice for finding in findings):
            findings += run(_database(settings))
    return findings


def _data_directory(settings: "Settings") -> Finding:
    folder = settings.data_dir.absolute()
    if (
        settings.database_url is not None
        and settings.secret_key is not None
        and settings.smtp_url is not None
        and settings.blob_url is not None
    ):
        return Finding(Status.OK, "data directory", "nothing is kept in it")
    if not folder.exists():
        folder = next(parent for parent in folder.parents if parent.exists())
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding(Status.OK, "data directory", f"{settings.data_dir.absolute()} can be written")
    except OSError as error:
        return Finding(
            Status.FAILED, "data directory", str(error), "let this user write there, or set MOOTHALL_DATA_DIR"
        )


def _secret(settings: "Settings") -> Finding:
    from entrypoints.settings import SECRET_FILE

    if settings.secret_key is not None:
        return Finding(Status.OK, "secret", "given by MOOTHALL_SECRET_KEY")
    path = settings.data_dir.absolute() / SECRET_FILE
    if not path.exists():
        return Finding(Status.OK, "secret", f"will be made at the first start, in {path}")
    if not os.access(path, os.R_OK) or path.stat().st_size == 0:
        return Finding(Status.FAILED, "secret", f"{path} cannot be read, or is empty", "restore it from a backup")
    return Finding(Status.OK, "secret", f"kept in {path}")


def _proxies(settings: "Settings") -> Finding:
    from entrypoints.settings import Environment

    if settings.trusted_proxies:
        return Finding(Status.OK, "proxies", f"{', '.join(settings.trusted_proxies)} tell where requests come from")
    if settings.environment is Environment.PRODUCTION or settings.public_url.scheme == "https":
        return Finding(
            Status.WARNING,
            "proxies",
            "behind a proxy all members have its address, and share one limit of wrong passwords",
            "set MOOTHALL_TRUSTED_PROXIES to the proxy's address",
        )
    return Finding(Status.OK, "proxies", "none: requests come from where they say")


def _mail(settings: "Settings") -> Finding:
    """Where mails go, and whether a mail server would take them; none is sent."""
    from entrypoints.bootstrap import examine_mail, open_templates
    from entrypoints.settings import Environment

    try:
        open_templates(settings)
        where = run(examine_mail(settings))
    except SettingsError as error:
        return Finding(Status.FAILED, "mail", "; ".join(error.problems), CORRECT_IT)
    except Unavailable as error:
        return Finding(Status.FAILED, "mail", error.detail, "start the mail server, or correct MOOTHALL_SMTP_URL")
    if settings.smtp_url is None and settings.environment is Environment.PRODUCTION:
        return Finding(Status.WARNING, "mail", f"mails {where}; nobody gets them", "set MOOTHALL_SMTP_URL")
    return Finding(Status.OK, "mail", f"mails {where}")


def _blobs(settings: "Settings") -> Finding:
    """Where uploaded files go, and whether one can be written there."""
    from entrypoints.bootstrap import examine_blobs

    try:
        return Finding(Status.OK, "files", f"uploaded files {run(examine_blobs(settings))}")
    except SettingsError as error:
        return Finding(Status.FAILED, "files", "; ".join(error.problems), CORRECT_IT)
    except Unavailable as error:
        return Finding(Status.FAILED, "files", _reason(error), "start the store, or correct MOOTHALL_BLOB_URL")


def _redis(settings: "Settings") -> Finding:
    """Without it everything goes on, but each process counts for itself."""
    from entrypoints.bootstrap import examine_redis

    try:
        return Finding(Status.OK, "redis", run(examine_redis(settings)))
    except SettingsError as error:
        return Finding(Status.FAILED, "redis", "; ".join(error.problems), CORRECT_IT)
    except Unavailable as error:
        return Finding(Status.WARNING, "redis", error.detail, "start it, or correct MOOTHALL_REDIS_URL")


async def _database(settings: "Settings") -> list[Finding]:
    from entrypoints.bootstrap import open_application, open_schema

    findings = []
    try:
        async with open_schema(settings) as schema:
            revision, is_behind = await schema.current(), await schema.is_behind()
        findings.append(Finding(Status.OK, "database", "answers"))
        if is_behind and not settings.is_embedded:
            advice = "run: moothall db upgrade"
            return [*findings, Finding(Status.FAILED, "migrations", f"at {revision or 'nothing'}, too old", advice)]
        async with open_application(settings) as application:
            findings.append(Finding(Status.OK, "migrations", "up to date"))
            keys = await application.identity.list_signing_keys(operator())
            findings.append(_keys(sum(key.retired_at is None for key in keys)))
            findings += await _work(application, settings)
            findings.append(_administrator(await has_administrator(application, operator())))
    except Exception as error:
        findings.append(
            Finding(Status.FAILED, "database", _reason(error), "start it, or correct MOOTHALL_DATABASE_URL")
        )
    return findings


def _reason(error: Exception) -> str:
    """What the driver said: it tells more than what callers get to hear."""
    cause = error.__cause__ or error
    said = getattr(cause, "orig", cause)
    return next(iter(str(said).splitlines()), type(said).__name__)


def _keys(current: int) -> Finding:
    """Opening the application made a key where none could be used; more than one then means a secret that changed."""
    if current == 1:
        return Finding(Status.OK, "signing key", "one is in use")
    return Finding(
        Status.WARNING,
        "signing key",
        "some cannot be opened with this secret",
        "set MOOTHALL_SECRET_KEY_PREVIOUS to the secret before, then run: moothall keys rotate",
    )


async def _work(application: "Application", settings: "Settings") -> list[Finding]:
    """Whether somebody does the jobs, and what was set aside."""
    backlog = await application.jobs.show_backlog(operator())
    findings = [_backlog(backlog, settings)]
    if backlog.set_aside:
        advice = f"see: {this_program()} outbox list; then retry or discard them"
        findings.append(Finding(Status.WARNING, "outbox", f"{backlog.set_aside} set aside", advice))
    return findings


def _backlog(backlog: "Backlog", settings: "Settings") -> Finding:
    again = f"; {backlog.retrying} failed and are tried again" if backlog.retrying else ""
    if backlog.oldest is None:
        return Finding(Status.OK, "jobs", f"none waits{again}")
    waiting = f"{backlog.waiting} due, the oldest since {backlog.oldest.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}{again}"
    if datetime.now(UTC) - backlog.oldest <= LONGEST_WAIT:
        return Finding(Status.OK, "jobs", waiting)
    advice = "is the server running?" if settings.is_embedded else f"is a worker running? {this_program()} worker"
    return Finding(Status.WARNING, "jobs", waiting, advice)


def _administrator(exists: bool) -> Finding:
    if exists:
        return Finding(Status.OK, "administrator", "there is one")
    return Finding(Status.WARNING, "administrator", "there is none yet", f"run: {first_admin()}")

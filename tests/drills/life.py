"""A member's life, as a client lives it, in a process that dies at a chosen edge.

An edge is the moment before or after any statement (BEGIN and COMMIT among them), and before or after a mail is
written. The client tells of what was acknowledged to it, and starts over afterwards with what it does not know.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, event

from adapters.mail import FileMailer
from application.app import Application
from application.jobs.kinds import JobKind, Run
from application.mail import Mail, Mailer
from application.ports import Clock
from domain.access.actor import ANONYMOUS, Actor
from domain.errors import Conflict, Invalid, Unauthenticated
from domain.identity.email import EmailAddress
from domain.identity.user import User
from domain.jobs.job import Job
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.limits import UNLIMITED
from tests.mailbox import links

ADA = "ada@example.com"
NEW_ADDRESS = "ada@new.example"
FIRST_PASSWORD = "violet-anchor-42-lamp"
SECOND_PASSWORD = "amber-harbour-17-kite"
COUNTED = 3
"""Jobs, each of which shall have its effect once: a user."""


class Edges:
    """Counts, and dies at one of them (0: at none)."""

    def __init__(self, die_at: int) -> None:
        self.passed = 0
        self._die_at = die_at

    def pass_one(self, *_: Any, **__: Any) -> None:
        self.passed += 1
        if self.passed == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyMailer(Mailer):
    def __init__(self, mailer: Mailer, edges: Edges) -> None:
        self._mailer = mailer
        self._edges = edges

    async def send(self, mail: Mail) -> None:
        self._edges.pass_one()
        await self._mailer.send(mail)
        self._edges.pass_one()


class LaterClock(Clock):
    def __init__(self, later: timedelta) -> None:
        self._later = later

    def now(self) -> datetime:
        return datetime.now(UTC) + self._later


def live(database_url: str, folder: Path, die_at: int, later_by: float) -> None:
    """The body of the process. It writes how many edges it passed, and what was acknowledged."""
    edges = Edges(die_at)
    asyncio.run(_live(database_url, folder, edges, timedelta(seconds=later_by)))
    (folder / "edges").write_text(str(edges.passed))


async def _live(database_url: str, folder: Path, edges: Edges, later: timedelta) -> None:
    settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=database_url, secret_key="drill" * 10, **UNLIMITED)
    sender = settings.mail_sender
    mailer = DeadlyMailer(FileMailer(folder / "mails", sender=sender), edges)
    kinds = [JobKind("count", _count)]
    async with open_application(settings, clock=LaterClock(later), mailer=mailer, more_kinds=kinds) as application:
        with _deadly_statements(edges):
            await Client(application, folder).live()


@contextmanager
def _deadly_statements(edges: Edges) -> Iterator[None]:
    for moment in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(Engine, moment, edges.pass_one)
    yield
    for moment in ("before_cursor_execute", "after_cursor_execute"):
        event.remove(Engine, moment, edges.pass_one)


async def _count(run: Run) -> str:
    """An effect that can be counted: were it there twice, there would be two users."""
    async with run.finishing("counted") as uow:
        await uow.users.add(_counted(run.job.args["n"]))
    return "counted"


def _counted(n: int) -> User:
    id, now = uuid4(), datetime.now(UTC)
    return User(
        id=id,
        email=EmailAddress(f"{id.hex}@counted.example", f"{id.hex}@counted.example"),
        username=None,
        first_name=f"counted {n}",
        last_name=None,
        password_hash=None,
        is_active=True,
        is_verified=False,
        roles=frozenset({"member"}),
        created_at=now,
        updated_at=now,
    )


class Client:
    """Does each step until it knows that it is done."""

    def __init__(self, application: Application, folder: Path) -> None:
        self._identity = application.identity
        self._application = application
        self._mails = folder / "mails"
        self._acknowledged = folder / "acknowledged"

    async def live(self) -> None:
        await self._drain()
        await self._once("registered", self._register)
        await self._drain()
        await self._once("verified", self._verify)
        await self._once("counting", self._have_counted)
        await self._drain()
        await self._once("forgotten", self._forget)
        await self._drain()
        await self._once("reset", self._reset)
        await self._drain()
        await self._once("asked to move", self._ask_to_move)
        await self._drain()
        await self._once("moved", self._move)
        await self._drain()

    async def _drain(self) -> None:
        await self._application.runner.drain()

    async def _once(self, step: str, do: Any) -> None:
        done = self._acknowledged.read_text().splitlines() if self._acknowledged.exists() else []
        if step not in done:
            await do()
            with self._acknowledged.open("a") as file:
                file.write(step + "\n")

    async def _register(self) -> None:
        try:
            await self._identity.register(ANONYMOUS, email=ADA, password=FIRST_PASSWORD, username="ada")
        except Conflict as error:
            if error.code != "email-taken":
                raise

    async def _verify(self) -> None:
        await self._follow("/verify-email", self._identity.verify_email)

    async def _have_counted(self) -> None:
        async with self._identity.log_in.transactions.begin() as uow:
            now = self._identity.log_in.clock.now()
            for n in range(COUNTED):
                job = Job(id=UUID(int=n + 1), kind="count", args={"n": n}, created_at=now, due_at=now)
                if await uow.jobs.get(job.id) is None:
                    await uow.jobs.add(job)

    async def _forget(self) -> None:
        await self._identity.forgot_password(ANONYMOUS, email=ADA)

    async def _reset(self) -> None:
        async def reset(actor: Actor, *, token: str) -> None:
            await self._identity.reset_password(actor, token=token, password=SECOND_PASSWORD)

        await self._follow("/reset-password", reset)

    async def _ask_to_move(self) -> None:
        ada = await self._log_in()
        if ada is not None:
            await self._identity.change_email(ada, email=NEW_ADDRESS, password=SECOND_PASSWORD)

    async def _move(self) -> None:
        await self._follow("/verify-email", self._identity.verify_email, to=NEW_ADDRESS)

    async def _log_in(self) -> Actor | None:
        try:
            pair = await self._identity.log_in(ANONYMOUS, login=ADA, password=SECOND_PASSWORD)
        except Unauthenticated:
            return None  # the address moved already
        return (await self._identity.identify_caller(pair.access_token)).actor

    async def _follow(self, page: str, use: Any, *, to: str = ADA) -> None:
        """The newest link to that page; one that was used already has done its work."""
        found = [link for link in links(self._mails, to=to) if page in link]
        if not found:
            raise LookupError(f"No mail to {to} leads to {page}.")
        try:
            await use(ANONYMOUS, token=found[-1].partition("token=")[2])
        except Invalid as error:
            if error.code != "bad-link":
                raise


@asynccontextmanager
async def examined(database_url: str, folder: Path) -> AsyncIterator[Application]:
    """The application, to look at what became of everything."""
    settings = Settings(bcrypt_cost=4, data_dir=folder, database_url=database_url, secret_key="drill" * 10, **UNLIMITED)
    async with open_application(settings) as application:
        yield application

"""One life of the service in memory. Another one shares nothing with it but the settings."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from application.app import Application
from application.identity.sign_in import pair_of
from application.identity.views import TokenPair, UserView
from application.mail import Mail
from domain.access.actor import operator
from domain.errors import Conflict
from domain.identity.session import Session
from entrypoints.bootstrap import memory_mailer, open_application
from entrypoints.settings import Settings
from entrypoints.testing.clock import TestersClock
from entrypoints.testing.faults import Faults, spared

TESTER = operator("tester")
CHEAPEST_HASH = 4
"""The lowest cost that bcrypt knows. Nothing that is hashed here outlives the process."""

FOR_EVER = timedelta(days=36_500)
"""How long a worker keeps a job: there is nobody else to take it over, however far a tester moves the clock."""

LINK = re.compile(r"https?://[^\s<>\"']+")
"""In the text of a mail; what the HTML links to is the same."""


@dataclass(frozen=True)
class SentMail:
    """As a tester reads it. `links` are those in it, in their order; `key` is the same for the same mail."""

    key: str
    to: str
    subject: str
    text: str
    html: str
    links: list[str]
    written_at: datetime

    @classmethod
    def of(cls, mail: Mail) -> "SentMail":
        links = dict.fromkeys(LINK.findall(mail.text.plain))
        return cls(
            mail.key,
            mail.to,
            mail.text.subject,
            mail.text.plain,
            mail.text.html,
            [*links],
            mail.written_at,
        )


class GivenSettings(Settings):
    """Those that are given in the code alone: a shell's leftovers change no test."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def for_tests(settings: Settings) -> Settings:
    """What tests want, where nothing else is said: hashes that cost nothing."""
    given: Mapping[str, object] = {} if "bcrypt_cost" in settings.model_fields_set else {"bcrypt_cost": CHEAPEST_HASH}
    return settings.model_copy(update=given)


@dataclass(frozen=True)
class House:
    """The application, and what a tester has a hand on."""

    application: Application
    settings: Settings
    clock: TestersClock
    faults: Faults
    sent: list[Mail]

    def mails(self) -> list[SentMail]:
        """All that were sent, the oldest first."""
        return [SentMail.of(mail) for mail in self.sent]

    async def drain(self) -> int:
        """Do all that is due, and what follows from it; what another worker is doing is waited for. How much was done
        here."""
        done = 0
        with spared():
            while True:
                done += await self.application.runner.drain()
                backlog = await self.application.jobs.show_backlog(TESTER)
                if not backlog.waiting and not self.application.runner.is_busy():
                    return done
                await asyncio.sleep(0.01)

    async def make_user(self, email: str, **fields: object) -> UserView:
        """An account, with whatever else `POST /users` takes; raises what that refuses."""
        made = await self.application.identity.create_user(TESTER, email=email, **fields)  # type: ignore[arg-type]
        return made.value

    async def token_for(self, user: str) -> TokenPair:
        """A session for the member of that id, e-mail address or username, as if they had just signed in.

        Raises:
            NotFound: `user-not-found`.
            Conflict: `account-disabled`.
        """
        user_id = await self.application.identity.find_user(TESTER, name=user)
        log_in = self.application.identity.log_in
        session = Session.started(
            id=log_in.ids.new(),
            user_id=user_id,
            seed=log_in.refresh_tokens.new_seed(),
            secret_id=log_in.refresh_tokens.secret_id,
            now=self.clock.now(),
            lifetime=log_in.rules.refresh_token_ttl,
            origin=TESTER.origin,
        )
        async with log_in.transactions.begin() as uow:
            found = await uow.users.get(user_id)
            if found is None or not found.is_active:
                raise Conflict("account-disabled", "This account is disabled.")
            await uow.sessions.add(session)
            await log_in.trail.record(uow, TESTER, "session.started", subject=user_id, item=session.id)
        return await pair_of(log_in.access_tokens, log_in.refresh_tokens, log_in.rules, session, self.clock)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Empty, and with nobody at work in it: `drain` does what is due. Takes some milliseconds."""
    clock, faults, mailer = TestersClock(), Faults(), memory_mailer()
    chosen = for_tests(settings)
    async with open_application(
        chosen, in_memory=True, clock=clock, mailer=mailer, around=faults.around, lease=FOR_EVER
    ) as application:
        yield House(application, chosen, clock, faults, mailer.sent)

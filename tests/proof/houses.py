"""The same service on each store, where each thing has the place in a list that it has in the model."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from adapters.mail import MemoryMailer
from adapters.memory import MemoryTransactions
from adapters.sql import SqlTransactions
from adapters.sql.tables import metadata
from application.access.views import NewApiKey
from application.app import Application
from application.audit.views import AuditFilters
from application.identity.views import SessionView, TokenPair, UserView, Versioned
from application.live.telling import TellingTransactions
from application.paging import Page, PageRequest
from domain.access.actor import NOWHERE, Actor, Origin, operator
from domain.errors import MoothallError
from tests.proof.accounts import OK

OPERATOR = operator("test")
ROWS = ("users", "sessions", "one_time_tokens", "api_keys", "notifications", "events", "jobs")
"""Of which there have to be as many in each store."""
NO_ID = UUID(int=0)

Outcome = tuple[Any, ...]


@dataclass
class Tokens:
    """Of one session: its refresh tokens from the first on, and the latest access token."""

    session_id: UUID
    access: str
    refresh: list[str] = field(default_factory=list)


@dataclass
class House:
    name: str
    application: Application
    mailer: MemoryMailer
    accounts: list[UUID] = field(default_factory=list)
    sessions: list[Tokens] = field(default_factory=list)
    keys: list[tuple[UUID, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def forget(self) -> None:
        for things in (self.accounts, self.sessions, self.keys, self.links, self.mailer.sent):
            things.clear()

    async def member(self, number: int, origin: Origin = NOWHERE) -> Actor:
        """Who has this session's access token."""
        token = self.sessions[number].access
        return (await self.application.identity.identify_caller(token, origin=origin)).actor

    async def moved_in(self, pair: TokenPair) -> TokenPair:
        """A new session."""
        caller = await self.application.identity.identify_caller(pair.access_token)
        assert caller.actor.session_id is not None
        self.sessions.append(Tokens(caller.actor.session_id, pair.access_token, [pair.refresh_token]))
        return pair

    async def settle(self) -> Outcome:
        """What follows is done. The mails of it, and the links in them, which are kept."""
        await self.application.runner.drain()
        mails, self.mailer.sent = self.mailer.sent, []
        for mail in mails:
            self.links += dict.fromkeys(re.findall(r"\?token=([\w-]+)", mail.text.plain))
        return tuple(sorted((mail.to, mail.text.subject) for mail in mails)), len(self.links)

    async def trail(self, since: int) -> Counter[tuple[Any, ...]]:
        """What the audit trail has, but for its first entries."""
        found: list[tuple[Any, ...]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.application.audit.list_entries(
                OPERATOR, filters=AuditFilters(), page=PageRequest(100, cursor=cursor)
            )
            found += [(entry.action, tuple(sorted(entry.fields)), entry.at) for entry in page.items]
            cursor = page.next_cursor
        return Counter(found[: len(found) - since])

    async def rows(self) -> dict[str, int]:
        """How many there are."""
        transactions = self.application.identity.log_in.transactions
        assert isinstance(transactions, TellingTransactions)
        store = transactions._transactions
        if isinstance(store, MemoryTransactions):
            return {name: len(getattr(store._database, name)) for name in ROWS}
        assert isinstance(store, SqlTransactions)
        async with store._engine.connect() as connection:
            return {
                name: (await connection.execute(select(func.count()).select_from(metadata.tables[name]))).scalar_one()
                for name in ROWS
            }


async def outcome_of(house: House, do: Callable[[House], Awaitable[Any]]) -> Outcome:
    try:
        return OK, told(await do(house))
    except MoothallError as error:
        return error.code, str(type(error))


def told(result: Any) -> Any:
    """A result without what differs by chance."""
    match result:
        case Versioned(value=UserView() as user, version=version):
            return replace(user, id=NO_ID), version
        case Page(items=items) if all(isinstance(item, SessionView) for item in items):
            return sorted(
                (s.is_current, s.impersonated_by is not None, s.created_at, s.last_used_at, s.expires_at) for s in items
            )
        case NewApiKey():
            return result.name, sorted(result.permissions), result.created_at, result.expires_at
        case TokenPair():
            return result.expires_in
        case _:
            return result

"""Tickets: opened by who is signed in, and redeemed for a live connection."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from application.access.reach import require_still_signed_in
from application.identity.accounts import loaded
from application.identity.caller import Caller, member_calling
from application.identity.known_callers import KnownCallers
from application.live.ports import TicketMaker
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import NOWHERE, Actor, Origin
from domain.access.policy import ANYBODY, MEMBERS_ONLY, OWNER_IN_PERSON, Rule, require_own
from domain.errors import Denied, Unauthenticated
from domain.live.ticket import GOOD_FOR, Ticket


@dataclass(frozen=True, slots=True)
class OpenedTicket:
    """`ticket` is told this once. A connection has to be opened with it before `expires_at`."""

    ticket: str
    expires_at: datetime


@dataclass(frozen=True)
class OpenTicket:
    """For a connection of the session that asks."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    tickets: TicketMaker
    clock: Clock

    async def __call__(self, actor: Actor) -> OpenedTicket:
        """Raises NotFound (`user-not-found`), Unauthenticated (`bad-token`): they were signed out meanwhile."""
        user_id = require_own(actor, self.rule)
        if actor.session_id is None:
            raise Denied(MEMBERS_ONLY.code, MEMBERS_ONLY.detail)
        text = self.tickets.new()
        ticket = Ticket(
            digest=self.tickets.digest(text),
            user_id=user_id,
            session_id=actor.session_id,
            expires_at=self.clock.now() + GOOD_FOR,
        )
        async with self.transactions.begin() as uow:
            await loaded(uow, user_id)
            await require_still_signed_in(uow, actor)
            await uow.live_tickets.add(ticket)
        return OpenedTicket(text, ticket.expires_at)


@dataclass(frozen=True)
class RedeemTicket:
    """For a socket it is good once; for a stream of events it is that stream's from then on. Either way its session has
    to be alive."""

    rule: ClassVar[Rule] = ANYBODY

    transactions: Transactions
    tickets: TicketMaker
    known: KnownCallers
    clock: Clock

    async def __call__(self, ticket: str, *, for_stream: bool, origin: Origin = NOWHERE) -> Caller:
        """Raises Unauthenticated (`bad-ticket`)."""
        now = self.clock.now()
        digest = self.tickets.digest(ticket)
        async with self.transactions.begin() as uow:
            taken = await (
                uow.live_tickets.take_for_stream(digest, now) if for_stream else uow.live_tickets.take(digest)
            )
        if taken is None or (not for_stream and taken.expires_at <= now):
            raise _bad_ticket()
        found = await self.known.live_session(taken.session_id, taken.user_id, now)
        if found is None:
            raise _bad_ticket()
        return member_calling(found, taken.session_id, origin)


def _bad_ticket() -> Unauthenticated:
    return Unauthenticated("bad-ticket", "The ticket is not (or no longer) good.", presented=True)

"""What follows from what: every event, and the reactions to it.

Each reaction is delivered on its own, at least once, and its receipt is kept. A follow-up changes the store in the
transaction of its receipt, and so happens once. A mail may be sent twice, with the same Message-ID.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from application.identity.follow_ups import AccountFollowUps
from application.identity.letters import AccountLetters
from application.jobs.kinds import JobKind, Run
from application.mail import Letter, Mail, Mailer, MailTemplates
from application.outbox import ReactionNames
from application.unit_of_work import Transactions, UnitOfWork
from domain.events import Emitted, Event
from domain.identity import events
from domain.orders import events as order_events


@dataclass(frozen=True, slots=True)
class Mails:
    """A mail, unless there is nothing to be told."""

    name: str
    compose: Callable[[AccountLetters, UnitOfWork, Emitted], Awaitable[Letter | None]]


@dataclass(frozen=True, slots=True)
class FollowsUp:
    """A change of the store."""

    name: str
    follow_up: Callable[[AccountFollowUps, UnitOfWork, Emitted], Awaitable[None]]


Reaction = Mails | FollowsUp

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    events.VerificationRequested: (FollowsUp("start-verification", AccountFollowUps.start_verification),),
    events.PasswordResetRequested: (FollowsUp("start-password-reset", AccountFollowUps.start_reset),),
    events.VerificationStarted: (Mails("mail-verify-email", AccountLetters.verify_email),),
    events.PasswordResetStarted: (Mails("mail-reset-password", AccountLetters.reset_password),),
    events.EmailChangeStarted: (Mails("mail-change-email", AccountLetters.change_email),),
    events.UserInvited: (Mails("mail-invitation", AccountLetters.invitation),),
    events.EmailVerified: (Mails("mail-welcome", AccountLetters.welcome),),
    events.EmailChanged: (
        Mails("mail-email-changed-to-old", AccountLetters.email_changed_to_old),
        Mails("mail-email-changed-to-new", AccountLetters.email_changed_to_new),
    ),
    events.PasswordChanged: (Mails("mail-password-changed", AccountLetters.password_changed),),
    events.SignedInFromElsewhere: (Mails("mail-new-sign-in", AccountLetters.new_sign_in),),
    events.SessionReused: (Mails("mail-session-reused", AccountLetters.session_reused),),
    order_events.OrderPlaced: (Mails("mail-order-confirmation", AccountLetters.order_confirmation),),
    order_events.OrderPaid: (),
    order_events.OrderFulfilled: (),
    order_events.OrderCancelled: (),
    order_events.OrderRefunded: (),
}

REACTION_NAMES = ReactionNames(
    {kind: tuple(reaction.name for reaction in reactions) for kind, reactions in REACTIONS.items()}
)


@dataclass(frozen=True)
class Reactions:
    """The table, ready to be worked on."""

    transactions: Transactions
    letters: AccountLetters
    follow_ups: AccountFollowUps
    templates: MailTemplates
    mailer: Mailer

    def kinds(self) -> Iterator[JobKind]:
        """Each reaction, as the kind of job that delivers to it."""
        for reactions in REACTIONS.values():
            for reaction in reactions:
                yield JobKind(
                    reaction.name,
                    self._mailing(reaction) if isinstance(reaction, Mails) else self._following_up(reaction),
                )

    def _mailing(self, reaction: Mails) -> Callable[[Run], Awaitable[None]]:
        async def work(run: Run) -> None:
            emitted = _delivered(run)
            async with self.transactions.begin() as uow:
                letter = await reaction.compose(self.letters, uow, emitted)
            if letter is not None:
                text = await asyncio.to_thread(self.templates.write, letter)  # the first one takes long
                await self.mailer.send(Mail(f"{emitted.id}.{reaction.name}", letter.to, text, emitted.at))

        return work

    def _following_up(self, reaction: FollowsUp) -> Callable[[Run], Awaitable[None]]:
        async def work(run: Run) -> None:
            async with run.finishing() as uow:
                await reaction.follow_up(self.follow_ups, uow, _delivered(run))

        return work


def _delivered(run: Run) -> Emitted:
    if run.job.emitted is None:
        raise LookupError(f"Job {run.job.id} delivers no event.")
    return run.job.emitted

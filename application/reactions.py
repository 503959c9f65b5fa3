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
from application.notifications.composer import NotificationComposer, Told
from application.orders.payments import Settlement
from application.outbox import ReactionNames
from application.profiles.avatar_files import AvatarFiles
from application.unit_of_work import Transactions, UnitOfWork
from domain.events import Emitted, Event
from domain.identity import events
from domain.jobs.events import JobFinished
from domain.notifications.events import NotificationMailed
from domain.orders import events as orders
from domain.posts import events as posts
from domain.products import events as products
from domain.profiles.events import AvatarDiscarded


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


@dataclass(frozen=True, slots=True)
class ChangesFiles:
    """What does no harm when it is done twice."""

    name: str
    change: Callable[[AvatarFiles, Emitted], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class GivesMoneyBack:
    """What the gateway does once, however often it is asked."""

    name: str
    give_back: Callable[[Settlement, Emitted], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Notifies:
    """A notification, unless there is nothing to be told, or they do not want to be told."""

    name: str
    compose: Callable[[NotificationComposer, Emitted], Told | None]


Reaction = Mails | FollowsUp | ChangesFiles | GivesMoneyBack | Notifies

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    events.VerificationRequested: (FollowsUp("start-verification", AccountFollowUps.start_verification),),
    events.PasswordResetRequested: (FollowsUp("start-password-reset", AccountFollowUps.start_reset),),
    events.VerificationStarted: (Mails("mail-verify-email", AccountLetters.verify_email),),
    events.PasswordResetStarted: (Mails("mail-reset-password", AccountLetters.reset_password),),
    events.EmailChangeStarted: (Mails("mail-change-email", AccountLetters.change_email),),
    events.UserInvited: (Mails("mail-invitation", AccountLetters.invitation),),
    events.EmailVerified: (
        Mails("mail-welcome", AccountLetters.welcome),
        Notifies("notify-welcome", NotificationComposer.welcome),
    ),
    events.EmailChanged: (
        Mails("mail-email-changed-to-old", AccountLetters.email_changed_to_old),
        Mails("mail-email-changed-to-new", AccountLetters.email_changed_to_new),
    ),
    events.PasswordChanged: (Mails("mail-password-changed", AccountLetters.password_changed),),
    events.SignedInFromElsewhere: (
        Mails("mail-new-sign-in", AccountLetters.new_sign_in),
        Notifies("notify-new-sign-in", NotificationComposer.new_sign_in),
    ),
    events.SessionReused: (Mails("mail-session-reused", AccountLetters.session_reused),),
    AvatarDiscarded: (ChangesFiles("remove-avatar-files", AvatarFiles.remove),),
    orders.OrderPlaced: (
        Mails("mail-order-confirmation", AccountLetters.order_confirmation),
        Notifies("notify-order-placed", NotificationComposer.order),
    ),
    orders.OrderPaid: (Notifies("notify-order-paid", NotificationComposer.order),),
    orders.OrderFulfilled: (Notifies("notify-order-fulfilled", NotificationComposer.order),),
    orders.OrderCancelled: (Notifies("notify-order-cancelled", NotificationComposer.order),),
    orders.OrderRefunded: (Notifies("notify-order-refunded", NotificationComposer.order),),
    orders.RefundDue: (GivesMoneyBack("refund-payment", Settlement.give_back),),
    JobFinished: (Notifies("notify-job-finished", NotificationComposer.job_finished),),
    NotificationMailed: (Mails("mail-notification", AccountLetters.notification),),
    # Told to webhooks alone.
    events.UserCreated: (),
    events.UserUpdated: (),
    events.UserDeactivated: (),
    events.UserReactivated: (),
    events.UserRolesChanged: (),
    events.UserDeleted: (),
    posts.PostPublished: (),
    posts.PostUpdated: (),
    posts.PostUnpublished: (),
    posts.PostDeleted: (),
    products.ProductCreated: (),
    products.ProductUpdated: (),
    products.ProductDeleted: (),
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
    notifications: NotificationComposer
    templates: MailTemplates
    mailer: Mailer
    avatars: AvatarFiles
    settlement: Settlement

    def kinds(self) -> Iterator[JobKind]:
        """Each reaction, as the kind of job that delivers to it."""
        for reactions in REACTIONS.values():
            for reaction in reactions:
                yield JobKind(reaction.name, self._work(reaction))

    def _work(self, reaction: Reaction) -> Callable[[Run], Awaitable[None]]:
        match reaction:
            case Mails():
                return self._mailing(reaction)
            case FollowsUp():
                return self._following_up(reaction)
            case ChangesFiles():
                return self._changing_files(reaction)
            case GivesMoneyBack():
                return self._giving_back(reaction)
            case Notifies():
                return self._notifying(reaction)

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

    def _changing_files(self, reaction: ChangesFiles) -> Callable[[Run], Awaitable[None]]:
        async def work(run: Run) -> None:
            await reaction.change(self.avatars, _delivered(run))

        return work

    def _giving_back(self, reaction: GivesMoneyBack) -> Callable[[Run], Awaitable[None]]:
        async def work(run: Run) -> None:
            await reaction.give_back(self.settlement, _delivered(run))

        return work

    def _notifying(self, reaction: Notifies) -> Callable[[Run], Awaitable[None]]:
        async def work(run: Run) -> None:
            async with run.finishing() as uow:
                await self.notifications.tell(reaction.compose, uow, _delivered(run))

        return work


def _delivered(run: Run) -> Emitted:
    if run.job.emitted is None:
        raise LookupError(f"Job {run.job.id} delivers no event.")
    return run.job.emitted

"""The mails about accounts: what follows from an event, written for whom it concerns.

Each returns None where there is nothing to be told any more: the account is gone, the link was used or superseded.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.identity.links import PAGES, Links
from application.mail import Letter
from application.notifications.preferences import wants_mail
from application.site import Site
from application.unit_of_work import UnitOfWork
from domain.events import Emitted
from domain.identity.devices import device
from domain.identity.events import (
    EmailChanged,
    EmailChangeStarted,
    EmailVerified,
    PasswordChanged,
    PasswordResetStarted,
    SessionReused,
    SignedInFromElsewhere,
    UserInvited,
    VerificationStarted,
)
from domain.identity.one_time_token import OneTimeToken, Purpose
from domain.identity.user import User
from domain.notifications.events import NotificationMailed
from domain.notifications.notification import Kind
from domain.orders.events import OrderPlaced

FORGOT_PASSWORD = PAGES[Purpose.RESET_PASSWORD]
"""The page that, opened without a token, takes an address and mails a link."""


@dataclass(frozen=True)
class AccountLetters:
    links: Links
    site: Site

    async def verify_email(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        """To the address that is to be verified."""
        return await self._with_link(uow, emitted, VerificationStarted, "verify-email", "name", "email")

    async def change_email(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        """To the new address; not where another account has it."""
        return await self._with_link(uow, emitted, EmailChangeStarted, "change-email", "name", "email")

    async def reset_password(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        return await self._with_link(uow, emitted, PasswordResetStarted, "reset-password", "name")

    async def invitation(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        return await self._with_link(uow, emitted, UserInvited, "invitation")

    async def welcome(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        """Unless they do not want it."""
        event = _as(EmailVerified, emitted)
        if not await wants_mail(uow, event.user_id, Kind.WELCOME):
            return None
        return await self._to_member(uow, event.user_id, "welcome", link=self.site.url)

    async def email_changed_to_old(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(EmailChanged, emitted)
        return await self._email_changed(uow, emitted, event.old_email)

    async def email_changed_to_new(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(EmailChanged, emitted)
        return await self._email_changed(uow, emitted, event.new_email)

    async def password_changed(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(PasswordChanged, emitted)
        return await self._to_member(
            uow, event.user_id, "password-changed", at=emitted.at, link=self.site.link(FORGOT_PASSWORD)
        )

    async def new_sign_in(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(SignedInFromElsewhere, emitted)
        return await self._to_member(
            uow,
            event.user_id,
            "new-sign-in",
            at=emitted.at,
            address=emitted.origin.address,
            device=device(emitted.origin.user_agent),
            link=self.site.link(FORGOT_PASSWORD),
        )

    async def session_reused(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(SessionReused, emitted)
        return await self._to_member(
            uow,
            event.user_id,
            "session-reused",
            at=emitted.at,
            address=emitted.origin.address,
            link=self.site.link(FORGOT_PASSWORD),
        )

    async def order_confirmation(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(OrderPlaced, emitted)
        user = await uow.users.get(event.user_id)  # locked before the order: so does who deletes the account
        order = await uow.orders.get(event.order_id)
        if user is None or order is None or not await wants_mail(uow, user.id, Kind.ORDER):
            return None
        values = {
            "number": order.number,
            "lines": [{"name": n.name, "quantity": n.quantity, "unit_price": n.unit_price} for n in order.lines],
            "currency": order.currency,
            "total": order.total,
            "placed_at": order.placed_at,
        }
        return _letter(user, "order-confirmation", **values)

    async def notification(self, uow: UnitOfWork, emitted: Emitted) -> Letter | None:
        event = _as(NotificationMailed, emitted)
        return await self._to_member(uow, event.user_id, "notification", title=event.title, text=event.body)

    async def _email_changed(self, uow: UnitOfWork, emitted: Emitted, to: str) -> Letter | None:
        event = _as(EmailChanged, emitted)
        user = await uow.users.get(event.user_id)
        name = user.full_name if user is not None else None  # who had the address is told even if the account is gone
        values = {"name": name, "old_email": event.old_email, "new_email": event.new_email, "at": emitted.at}
        return Letter(to, "email-changed", values)

    async def _to_member(self, uow: UnitOfWork, user_id: UUID, template: str, **values: Any) -> Letter | None:
        user = await uow.users.get(user_id)
        return None if user is None else _letter(user, template, **values)

    async def _with_link(
        self, uow: UnitOfWork, emitted: Emitted, kind: type[Any], template: str, *names: str
    ) -> Letter | None:
        event = _as(kind, emitted)
        token = await uow.one_time_tokens.get(event.token_id)
        user = await uow.users.get(event.user_id)
        if token is None or user is None or token.is_over(self.links.clock.now()):
            return None
        if await uow.users.find(token.email.key) not in (None, user.id):
            return None
        link = self.links.url(token)
        if link is None:
            return None
        return Letter(token.email.typed, template, {**_about(user, token, names), "link": link})


def _about(user: User, token: OneTimeToken, names: tuple[str, ...]) -> dict[str, Any]:
    values = {"name": user.full_name, "email": token.email.typed}
    return {"expires_at": token.expires_at, **{name: values[name] for name in names}}


def _letter(user: User, template: str, **values: Any) -> Letter:
    return Letter(user.email.typed, template, {"name": user.full_name, **values})


def _as(kind: type[Any], emitted: Emitted) -> Any:
    event = emitted.event
    if not isinstance(event, kind):
        raise TypeError(f"This is no reaction to {emitted.name}.")
    return event

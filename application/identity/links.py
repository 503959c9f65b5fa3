"""The links in mails: issued for one purpose, used once."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from application.identity.ports import LinkTokens
from application.ports import Clock, Ids
from application.site import Site
from application.unit_of_work import UnitOfWork
from domain.errors import Invalid
from domain.identity.email import EmailAddress
from domain.identity.one_time_token import LIFETIMES, OneTimeToken, Purpose
from domain.identity.user import User

PAGES: Mapping[Purpose, str] = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.CHANGE_EMAIL: "/verify-email",
    Purpose.RESET_PASSWORD: "/reset-password",
    Purpose.INVITATION: "/accept-invitation",
}
"""Where each link leads. A front-end that has such pages of its own puts them there."""


@dataclass(frozen=True)
class Links:
    tokens: LinkTokens
    site: Site
    clock: Clock
    ids: Ids

    async def issue(
        self,
        uow: UnitOfWork,
        user: User,
        purpose: Purpose,
        *,
        email: EmailAddress | None = None,
        session_id: UUID | None = None,
    ) -> OneTimeToken:
        """A new token, which supersedes the one before; `email` is where it will be mailed to, if not to the user's
        address."""
        now = self.clock.now()
        token = OneTimeToken(
            id=self.ids.new(),
            user_id=user.id,
            purpose=purpose,
            email=email or user.email,
            seed=self.tokens.new_seed(),
            secret_id=self.tokens.secret_id,
            created_at=now,
            expires_at=now + LIFETIMES[purpose],
            session_id=session_id,
        )
        await uow.one_time_tokens.put(token)
        return token

    def url(self, token: OneTimeToken) -> str | None:
        """None where the key under which it was made is no longer known."""
        text = self.tokens.mint(token)
        return None if text is None else self.site.link(PAGES[token.purpose], token=text)

    async def good(self, uow: UnitOfWork, text: str, *purposes: Purpose) -> tuple[OneTimeToken, User]:
        """The token, and the active user whose it is, both locked.

        Raises:
            Invalid: `bad-link`; it is not ours, was used or superseded, has run out, or the account cannot be used.
        """
        token_id = self.tokens.read(text)
        token = await uow.one_time_tokens.get(token_id) if token_id is not None else None
        if token is None or token.purpose not in purposes or token.is_over(self.clock.now()):
            raise bad_link()
        user = await uow.users.get(token.user_id)
        if user is None or not user.is_active or not self.tokens.proves(text, token):
            raise bad_link()
        if token.purpose is not Purpose.CHANGE_EMAIL and token.email.key != user.email.key:
            raise bad_link()  # a second line: whatever changes the address removes its links
        return token, user


def bad_link() -> Invalid:
    return Invalid.field("bad-link", "/token", "This link is not (or no longer) good; ask for a new one.")

"""The pages there are, in the words of a language."""

from dataclasses import dataclass

from application.identity.links import PAGES
from domain.identity.one_time_token import Purpose
from domain.identity.password_policy import PasswordPolicy, PasswordRules
from entrypoints.http.pages.page import Field, Form, Link, Page
from entrypoints.http.pages.texts import Saying, Texts

VERIFY_EMAIL = PAGES[Purpose.VERIFY_EMAIL]
RESET_PASSWORD = PAGES[Purpose.RESET_PASSWORD]
ACCEPT_INVITATION = PAGES[Purpose.INVITATION]


@dataclass(frozen=True, slots=True)
class Contents:
    """`passwords` is what new passwords have to be like."""

    texts: Texts
    passwords: PasswordPolicy

    def home(self) -> Page:
        return Page.saying(self.texts.home, link=Link(RESET_PASSWORD, self.texts.choose_password))

    def verify(self, token: str) -> Page:
        return _with_form(self.texts.verify, VERIFY_EMAIL, token=token)

    def verified(self) -> Page:
        return Page.saying(self.texts.verified)

    def ask_for_verification(self, email: str = "") -> Page:
        return _with_form(self.texts.ask_for_verification, VERIFY_EMAIL, self._email(email))

    def verification_asked(self) -> Page:
        return Page.saying(self.texts.verification_asked, link=Link(VERIFY_EMAIL, self.texts.ask_again))

    def bad_verification_link(self) -> Page:
        return _with_form(self.texts.bad_verification_link, VERIFY_EMAIL, self._email())

    def email_taken(self) -> Page:
        return Page.saying(self.texts.email_taken)

    def reset(self, token: str) -> Page:
        return _with_form(self.texts.reset, RESET_PASSWORD, self._new_password(self.texts.new_password), token=token)

    def was_reset(self) -> Page:
        return Page.saying(self.texts.was_reset)

    def ask_for_reset(self, email: str = "") -> Page:
        return _with_form(self.texts.ask_for_reset, RESET_PASSWORD, self._email(email))

    def reset_asked(self) -> Page:
        return Page.saying(self.texts.reset_asked, link=Link(RESET_PASSWORD, self.texts.ask_again))

    def bad_reset_link(self) -> Page:
        return _with_form(self.texts.bad_reset_link, RESET_PASSWORD, self._email())

    def accept(self, token: str, username: str = "", first_name: str = "", last_name: str = "") -> Page:
        texts = self.texts
        return _with_form(
            texts.accept,
            ACCEPT_INVITATION,
            self._new_password(texts.password),
            Field("username", texts.username, "text", "username", hint=texts.username_hint, value=username),
            Field("first_name", texts.first_name, "text", "given-name", value=first_name),
            Field("last_name", texts.last_name, "text", "family-name", value=last_name),
            token=token,
        )

    def accepted(self) -> Page:
        return Page.saying(self.texts.accepted)

    def invitation_needed(self) -> Page:
        return Page.saying(self.texts.invitation_needed)

    def bad_invitation_link(self) -> Page:
        """Who has accepted, and forgotten the password since, finds the way too."""
        link = Link(RESET_PASSWORD, self.texts.choose_password)
        return Page.saying(self.texts.bad_invitation_link, link=link)

    def malformed(self) -> Page:
        return Page.saying(self.texts.malformed)

    def too_large(self) -> Page:
        return Page.saying(self.texts.too_large)

    def too_many(self) -> Page:
        return Page(self.texts.too_large.heading, (self.texts.try_later,), is_error=True)

    def broken(self, request_id: str) -> Page:
        saying = self.texts.broken
        return Page(saying.heading, tuple(text.format(request_id=request_id) for text in saying.paragraphs))

    def _email(self, typed: str = "") -> Field:
        return Field("email", self.texts.email, "email", "email", value=typed, required=True)

    def _new_password(self, label: str) -> Field:
        hint = self.texts.password_hint.format(shortest=self.passwords.shortest)
        if self.passwords.rules is PasswordRules.LETTERS_AND_DIGITS:
            hint = f"{hint} {self.texts.letters_and_digits}"
        return Field("password", label, "password", "new-password", hint=hint, required=True)


def _with_form(saying: Saying, action: str, *fields: Field, **hidden: str) -> Page:
    return Page.saying(saying, form=Form(action, saying.button, fields, hidden))

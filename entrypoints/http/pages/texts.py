"""What the pages say. Each language says all of it, in a module of its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Saying:
    """A page's words: its heading, its paragraphs, and what its button says."""

    heading: str
    paragraphs: tuple[str, ...]
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    language: str
    error: str
    """Before the title of a page that tells of one."""

    home: Saying

    verify: Saying
    verified: Saying
    ask_for_verification: Saying
    verification_asked: Saying
    bad_verification_link: Saying
    email_taken: Saying

    reset: Saying
    was_reset: Saying
    ask_for_reset: Saying
    reset_asked: Saying
    bad_reset_link: Saying

    accept: Saying
    accepted: Saying
    invitation_needed: Saying
    bad_invitation_link: Saying

    malformed: Saying
    too_large: Saying
    broken: Saying
    """`{request_id}` stands in it."""

    ask_again: str
    choose_password: str
    """What links to other pages say."""

    email: str
    password: str
    new_password: str
    username: str
    first_name: str
    last_name: str
    optional: str
    """The labels, and what stands behind that of a field that may be left empty."""

    password_hint: str
    """`{shortest}` stands in it."""
    letters_and_digits: str
    username_hint: str

    try_later: str
    try_again: str
    refusals: Mapping[str, str]
    """What is wrong with a field, by the code of the error."""
    password_refused: str
    password_reasons: Sequence[tuple[str, str]] | None
    """What the policy's sentences are in this language, as patterns and templates; None where they can stay."""

    def password_reason(self, sentence: str) -> str:
        """Why a password is not taken."""
        if self.password_reasons is None:
            return sentence
        found = ((re.fullmatch(pattern, sentence), template) for pattern, template in self.password_reasons)
        return next((match.expand(template) for match, template in found if match), self.password_refused)

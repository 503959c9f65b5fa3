"""What a password has to be like (NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, V6.2)."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from domain.errors import FieldProblem, Invalid
from domain.text import fold, words

LONGEST_PASSWORD = 256
LONGEST_TYPED = 4 * LONGEST_PASSWORD
"""Code points before normalisation, which takes quadratic time: what is longer is never normalised."""
_SHORTEST_PERSONAL_WORD = 3
_LEFT_OVER = 6


class PasswordRules(Enum):
    """Optional rules of composition, for those who have to have them."""

    NONE = "none"
    LETTERS_AND_DIGITS = "letters_and_digits"


def normalised(password: str) -> str:
    """The form that is measured and hashed (NFKC), so that every keyboard types the same password."""
    return unicodedata.normalize("NFKC", password)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """`shortest` counts code points after normalisation; the longest is 256."""

    shortest: int = 12
    rules: PasswordRules = PasswordRules.NONE

    def refusals(self, password: str, personal_words: Sequence[str]) -> list[str]:
        """Every reason why the password is not taken, as sentences; none for a good one."""
        too_long = f"The password may have {LONGEST_PASSWORD} characters at most."
        if len(password) > LONGEST_TYPED:
            return [too_long]
        text = normalised(password)
        reasons = []
        if len(text) < self.shortest:
            reasons.append(f"The password has {len(text)} characters; it needs {self.shortest} at least.")
        if len(text) > LONGEST_PASSWORD:
            reasons.append(too_long)
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
            reasons.append("The password may not hold control characters.")
        if _made_of(text, personal_words):
            reasons.append("The password is made of your own name, username or e-mail address.")
        if self.rules is PasswordRules.LETTERS_AND_DIGITS and not (
            any(character.isalpha() for character in text) and any(character.isdigit() for character in text)
        ):
            reasons.append("The password needs a letter and a digit at least.")
        return reasons


def refused(reasons: Sequence[str], pointer: str) -> Invalid:
    """The error that tells every reason."""
    return Invalid("password-refused", " ".join(reasons), [FieldProblem(pointer, reason) for reason in reasons])


def _made_of(password: str, personal_words: Sequence[str]) -> bool:
    """Whether little of the password is left once the personal words are taken out of it."""
    rest = fold(password)
    parts = {part for text in personal_words for part in (fold(text), *words(text))}
    found = False
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_PERSONAL_WORD and part in rest:
            rest, found = rest.replace(part, ""), True
    return found and sum(character.isalnum() for character in rest) < _LEFT_OVER

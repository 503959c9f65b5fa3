"""How soon a password would be guessed, by zxcvbn's estimate (Wheeler, USENIX Security 2016)."""

from zxcvbn_rs_py import zxcvbn

from application.identity.ports import PasswordStrength

SAFELY_UNGUESSABLE = 3
_READ_AT_MOST = 100
"""Code points; the estimate takes quadratic time, and what is strong so far is strong."""


class ZxcvbnStrength(PasswordStrength):
    def weakness(self, password: str, personal_words: tuple[str, ...]) -> str | None:
        estimate = zxcvbn(password[:_READ_AT_MOST], [word[:_READ_AT_MOST] for word in personal_words])
        if int(estimate.score) >= SAFELY_UNGUESSABLE:
            return None
        why = estimate.feedback.warning if estimate.feedback else None
        return f"The password is too easy to guess. {why or 'Add another word or two.'}"

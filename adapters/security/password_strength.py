"""How soon a password would be guessed, by zxcvbn's estimate (Wheeler, USENIX Security 2016)."""

from zxcvbn_rs_py import zxcvbn

from application.identity.ports import PasswordStrength

SAFELY_UNGUESSABLE = 3
_READ_AT_ONCE = 24
"""Code points. The estimate never lets go of the interpreter: 100 hostile ones took 1.5 s, 24 take 50 ms."""
_WORD_READ_AT_MOST = 64


class ZxcvbnStrength(PasswordStrength):
    """A long password is strong when its beginning or its end is."""

    def weakness(self, password: str, personal_words: tuple[str, ...]) -> str | None:
        words = [word[:_WORD_READ_AT_MOST] for word in personal_words]
        why = None
        for part in dict.fromkeys((password[:_READ_AT_ONCE], password[-_READ_AT_ONCE:])):
            estimate = zxcvbn(part, words)
            if int(estimate.score) >= SAFELY_UNGUESSABLE:
                return None
            why = estimate.feedback.warning if estimate.feedback else None
        return f"The password is too easy to guess. {why or 'Add another word or two.'}"

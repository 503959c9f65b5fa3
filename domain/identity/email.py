"""E-mail addresses: stored as typed, compared by key."""

from dataclasses import dataclass

from domain.text import fold


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """`typed` is what mail is sent to; `key` is what makes two addresses the same account."""

    typed: str
    key: str

    @classmethod
    def of(cls, typed: str, *, local: str, ascii_domain: str) -> "EmailAddress":
        """From the parts that a parser found; `ascii_domain` is the domain in its IDNA (A-label) form."""
        return cls(typed, f"{fold(local)}@{ascii_domain.lower()}")

"""Mail: what is written, to whom, and the ports that write and send it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "welcome": ("name", "link"),
    "verify-email": ("name", "email", "link", "expires_at"),
    "reset-password": ("name", "link", "expires_at"),
    "change-email": ("name", "email", "link", "expires_at"),
    "email-changed": ("name", "old_email", "new_email", "at"),
    "password-changed": ("name", "at", "link"),
    "new-sign-in": ("name", "at", "address", "device", "link"),
    "session-reused": ("name", "at", "address", "link"),
    "invitation": ("link", "expires_at"),
    "order-confirmation": ("name", "number", "lines", "currency", "total", "placed_at"),
    "notification": ("name", "title", "text"),
}
"""Every mail there is, and the values that its template may use.

`name` is the member's full name or username, or None. `link` is where the button leads, `email` the address that is
meant. Times are aware; `address` (IP) and `device` (`Firefox on Windows`) may be None. `lines` are mappings of `name`,
`quantity` and `unit_price`; prices and `total` are in minor units of `currency` (ISO 4217).
The template gets `text` as its lines.
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be written: to which address, from which template, with which values."""

    to: str
    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """What a template makes of a letter: one line of subject, plain text, and HTML with its styles inlined."""

    subject: str
    plain: str
    html: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent. `key` is the same however often the same mail is sent: the Message-ID (RFC 5322, section
    3.6.4) is made of it."""

    key: str
    to: str
    text: Text
    written_at: datetime


class MailTemplates(Protocol):
    def write(self, letter: Letter) -> Text:
        """Raises LookupError where there is no such template, or a value that it uses is missing: both are bugs."""
        ...


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail over for good.

        Raises:
            Unavailable: `mail-unavailable`; the mail server is away or busy, and the same mail may be taken later.
            Invalid: `mail-refused`; it will never be taken: there is no such recipient, say.
        """
        ...

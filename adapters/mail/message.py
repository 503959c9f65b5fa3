"""From a mail to the message that goes out (RFC 5322), whatever strangers wrote into it."""

import hashlib
import re
from datetime import UTC
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from adapters.mail.text import header_text
from application.mail import Mail
from domain.errors import Invalid

if "local" in SPECIAL_USE_DOMAIN_NAMES:  # members of an intranet get mail too (it is email-validator's own setting)
    SPECIAL_USE_DOMAIN_NAMES.remove("local")

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def as_message(mail: Mail, sender: Address) -> EmailMessage:
    """Plain text, then HTML; the same mail has the same Message-ID whenever it is made.

    Raises:
        Invalid: `mail-refused`; the recipient is no e-mail address.
    """
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address(header_text(sender.display_name), sender.username, sender.domain)
    message["To"] = recipient(mail.to)
    message.set_raw("Subject", _encoded(header_text(mail.text.subject)))
    message["Date"] = format_datetime(mail.written_at.astimezone(UTC))
    message["Message-ID"] = f"<{plain_key(mail.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text.plain, charset="utf-8", cte="quoted-printable")
    message.add_alternative(mail.text.html, subtype="html", charset="utf-8", cte="quoted-printable")
    return message


def _encoded(subject: str) -> str:
    """As encoded words (RFC 2047), unless it is ASCII. EmailMessage loses the space at which it begins a new line."""
    return subject if subject.isascii() else Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")


def as_bytes(message: EmailMessage) -> bytes:
    """As it is kept in a file; in UTF-8 where an address needs it (RFC 6532)."""
    return message.as_bytes(policy=policy.SMTP if is_ascii(message) else policy.SMTPUTF8)


def is_ascii(message: EmailMessage) -> bool:
    return all(address.addr_spec.isascii() for name in ("From", "To") for address in message[name].addresses)


def recipient(typed: str) -> Address:
    """The address with its domain in ASCII; only what stands before the @ may need SMTPUTF8.

    Raises:
        Invalid: `mail-refused`; it is no e-mail address.
    """
    try:
        parts = validate_email(typed, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError):
        raise Invalid("mail-refused", "The recipient is no e-mail address.") from None
    if "=?" in parts.local_part:  # see header_text; nobody has such an address
        raise Invalid("mail-refused", "The recipient looks like an encoded word.")
    return Address(username=parts.local_part, domain=parts.ascii_domain)


def plain_key(key: str) -> str:
    """A mail's key as a Message-ID and a file name may hold it."""
    return key if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]

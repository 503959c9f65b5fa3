"""E-mail addresses as email-validator reads them (RFC 5322 without its oddities, RFC 6531, UTS #46)."""

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from application.identity.ports import EmailSyntax
from domain.errors import Invalid
from domain.identity.email import EmailAddress

LONGEST_ADDRESS = 254

if "local" in SPECIAL_USE_DOMAIN_NAMES:  # intranets have members too (the list is email-validator's documented setting)
    SPECIAL_USE_DOMAIN_NAMES.remove("local")

_PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@"
    r"(?P<domain>(?:(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?P<top>[A-Za-z]{2,63}))"
)
"""Addresses in which there is nothing to interpret, as nearly all are; the library takes ten times as long for one."""
_LONGEST_LOCAL = 64
_SPECIAL_TOPS = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)


class EmailValidatorSyntax(EmailSyntax):
    """Syntax only: nothing is looked up. Names of intranets and tests (`.local`, `.test`) are taken."""

    def parse(self, text: str) -> EmailAddress:
        if len(text) > LONGEST_ADDRESS:
            raise Invalid.field("bad-email", "/email", f"An e-mail address has {LONGEST_ADDRESS} characters at most.")
        plain = _PLAIN.fullmatch(text)
        if plain and len(plain["local"]) <= _LONGEST_LOCAL and plain["top"].lower() not in _SPECIAL_TOPS:
            return EmailAddress(text, text.lower())
        return self.as_library(text)

    def as_library(self, text: str) -> EmailAddress:
        """The same, asking the library whatever the address looks like."""
        try:
            parts = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
        except (EmailNotValidError, UnicodeError) as error:
            raise Invalid.field("bad-email", "/email", str(error)) from error
        return EmailAddress.of(text, local=parts.local_part, ascii_domain=parts.ascii_domain)

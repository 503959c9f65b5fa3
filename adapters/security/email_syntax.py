"""E-mail addresses as email-validator reads them (RFC 5322 without its oddities, RFC 6531, UTS #46)."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from application.identity.ports import EmailSyntax
from domain.errors import Invalid
from domain.identity.email import EmailAddress

LONGEST_ADDRESS = 254

if "local" in SPECIAL_USE_DOMAIN_NAMES:  # intranets have members too (the list is email-validator's documented setting)
    SPECIAL_USE_DOMAIN_NAMES.remove("local")


class EmailValidatorSyntax(EmailSyntax):
    """Syntax only: nothing is looked up. Names of intranets and tests (`.local`, `.test`) are taken."""

    def parse(self, text: str) -> EmailAddress:
        if len(text) > LONGEST_ADDRESS:
            raise Invalid.field("bad-email", "/email", f"An e-mail address has {LONGEST_ADDRESS} characters at most.")
        try:
            parts = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
        except (EmailNotValidError, UnicodeError) as error:
            raise Invalid.field("bad-email", "/email", str(error)) from error
        return EmailAddress.of(text, local=parts.local_part, ascii_domain=parts.ascii_domain)

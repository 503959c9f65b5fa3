"""Mails handed to a mail server by SMTP (RFC 5321, 3207, 6531)."""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from adapters.mail.message import as_message, recipient
from application.mail import Mail, Mailer
from domain.errors import Invalid, MoothallError, Unavailable

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
SUBMISSION = 587

_NOT_LOGGED_IN = frozenset({503, 530, 534, 535, 538})
"""Replies to any command that mean it (RFC 4954)."""
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where a mail server is, and how to get in."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """From `smtp://`, `smtp+starttls://` or `smtps://`, then `[user:password@]host[:port]`, percent-encoded.

        Without a port it is 25, 587 or 465; and 587 for `smtp://` with a user.

        Raises:
            ValueError: it is none. The message shows nothing of it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("is no URL; percent-encode what is special in the user and the password") from None
        if parts.scheme not in PORTS:
            raise ValueError(f"begins with one of {', '.join(f'{scheme}://' for scheme in PORTS)}")
        if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("is smtp://user:password@host:port; percent-encode what is special in the password")
        user = unquote(parts.username) if parts.username else None
        default = SUBMISSION if user is not None and parts.scheme == "smtp" else PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port or default, user, unquote(parts.password or ""))

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def starttls(self) -> bool | None:
        """None: where the server offers it. A password goes in the clear to this machine only."""
        if self.scheme == "smtps":
            return False
        return True if self.scheme == "smtp+starttls" or (self.user is not None and not self.is_loopback) else None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SmtpMailer(Mailer):
    """A connection for each mail. `timeout` is in seconds, for each step of the conversation.

    `tls` says which certificates are trusted; without it those that the system trusts (SSL_CERT_FILE adds others).
    """

    def __init__(
        self, server: SmtpServer, *, sender: Address, timeout: float = 10, tls: ssl.SSLContext | None = None
    ) -> None:
        self.server = server
        self._sender = sender
        self._timeout = timeout
        self._tls = tls

    async def send(self, mail: Mail) -> None:
        message, to = as_message(mail, self._sender), recipient(mail.to).addr_spec
        client = await self._connected()
        try:
            await client.send_message(message, sender=self._sender.addr_spec, recipients=[to])
        except (SMTPException, ValueError, OSError) as error:
            raise self._failure(error) from None  # what the server said may name the recipient
        else:
            with suppress(SMTPException, OSError):  # it has the mail: how it says goodbye does not matter
                await client.quit()
        finally:
            client.close()

    async def check(self) -> None:
        """Connect, secure the connection and log in, as for a mail, but send none.

        Raises:
            Unavailable: `mail-unavailable`.
        """
        client = await self._connected()
        try:
            await client.noop()
            with suppress(SMTPException, OSError):
                await client.quit()
        except (SMTPException, OSError) as error:
            raise self._unavailable(error) from None
        finally:
            client.close()

    async def _connected(self) -> SMTP:
        client = SMTP(
            hostname=self.server.host,
            port=self.server.port,
            local_hostname=self._sender.domain,  # to look up this machine's own name may take long
            timeout=self._timeout,
            use_tls=self.server.scheme == "smtps",
            start_tls=self.server.starttls,
            tls_context=await self._tls_context(),
            username=self.server.user,
            password=self.server.password,
        )
        try:
            await client.connect()
        except (SMTPException, ValueError, OSError) as error:
            raise self._unavailable(error) from None
        return client

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None and self.server.is_loopback and self.server.scheme == "smtp":
            self._tls = _unverified()
        elif self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # it reads hundreds of certificates
        return self._tls

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable("mail-unavailable", f"The mail server {self.server} {_said(error)}.")

    def _failure(self, error: Exception) -> MoothallError:
        """Refused is what is wrong with this mail; everything else may be mended, and nothing is lost until then."""
        match error:
            case SMTPNotSupported():
                return Invalid("mail-refused", "The mail server takes no address with other than ASCII letters.")
            case SMTPRecipientsRefused(recipients=[first, *_]) if _is_final(first) and not _is_policy(first):
                return Invalid("mail-refused", f"The mail server refused the recipient ({_codes(first)}).")
            case SMTPRecipientsRefused(recipients=[first, *_]):
                return self._unavailable(first)
            case SMTPDataError() if _is_final(error):
                return Invalid("mail-refused", f"The mail server refused the message ({_codes(error)}).")
            case ValueError():
                return Invalid("mail-refused", "The recipient is no address that mail can be sent to.")
            case _:
                return self._unavailable(error)


def _unverified() -> ssl.SSLContext:
    """For STARTTLS on this machine, where nobody can stand between, and certificates are seldom made for its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_final(error: SMTPResponseException) -> bool:
    return 500 <= error.code < 600 and error.code not in _NOT_LOGGED_IN


def _is_policy(error: SMTPResponseException) -> bool:
    """Whether the server will not relay for us, or not at all: that is about the installation, not the recipient."""
    return _codes(error).partition(" ")[2].startswith("5.7.")


def _codes(error: SMTPResponseException) -> str:
    """The reply's code, and the enhanced one (RFC 3463) where there is one; never its text, which may name people."""
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _said(error: BaseException) -> str:
    """What went wrong, for who runs the installation: how the sentence about the server goes on."""
    cause = error.__cause__ if isinstance(error, SMTPConnectError) and error.__cause__ else error
    match cause:
        case SMTPAuthenticationError(code=code) if code >= 500:
            return f"refused the user or the password ({_codes(cause)})"
        case SMTPSenderRefused():
            return f"refused the sender ({_codes(cause)})"
        case SMTPResponseException():
            return f"answered {_codes(cause)}"
        case ssl.SSLCertVerificationError():
            return f"has a certificate that is not trusted: {cause.verify_message}"
        case TimeoutError():
            return "did not answer in time"
        case SMTPServerDisconnected():
            return "ended the connection"
        case SMTPException():
            return f"cannot be used: {cause.message.rstrip('.')}"
        case _:
            return f"cannot be reached: {getattr(cause, 'strerror', None) or cause}"

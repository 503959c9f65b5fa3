"""A real mail server in a process of its own, on loopback, which keeps what it gets as files in a folder.

It can be stopped and started again on the same port, and be told to refuse, to be slow, and to want TLS or a password.
"""

import asyncio
import email
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
STOPS_WITHIN = 10.0


@dataclass(frozen=True)
class Behaviour:
    """Each reply, such as `550 5.1.1 <{address}>: no such mailbox`, is given instead of the good one.

    `delay` is in seconds, before every reply to RCPT. `login` is a user and a password, wanted before MAIL. With a
    `certificate` STARTTLS is offered; `implicit_tls` speaks TLS from the start.
    """

    sender: str | None = None
    recipient: str | None = None
    data: str | None = None
    login: tuple[str, str] | None = None
    delay: float = 0
    certificate: "Certificate | None" = None
    implicit_tls: bool = False
    utf8: bool = True


@dataclass(frozen=True)
class Certificate:
    """PEM files."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Envelope:
    """What was said before the message."""

    sender: str
    recipients: list[str]
    user: str | None
    tls: bool


@dataclass(frozen=True)
class RunningServer:
    port: int
    directory: Path

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """All that have come, in that order; also those that came before a new start."""
        return [email.message_from_bytes(raw, policy=policy.default) for raw in self.raw()]

    def raw(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.directory.glob("*.eml"))]

    def envelopes(self) -> list[Envelope]:
        return [Envelope(**json.loads(path.read_text())) for path in sorted(self.directory.glob("*.json"))]

    def forget(self) -> None:
        """Remove all that has come."""
        for path in self.directory.iterdir():
            path.unlink()

    def wait_for(self, count: int, seconds: float = 10) -> list[EmailMessage]:
        """The messages, as soon as there are so many."""
        limit = time.monotonic() + seconds
        while len(list(self.directory.glob("*.eml"))) < count and time.monotonic() < limit:
            time.sleep(0.02)
        found = self.messages()
        assert len(found) >= count, f"{len(found)} of {count} mails came within {seconds} seconds."
        return found


@contextmanager
def smtp_server(
    directory: Path, *, port: int | None = None, behaviour: Behaviour | None = None
) -> Iterator[RunningServer]:
    """Run it while the block lasts, on the port or on a free one."""
    directory.mkdir(parents=True, exist_ok=True)
    options = json.dumps(asdict(behaviour or Behaviour()))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.smtp_server", str(directory), str(port or 0), options],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the mail server did not start"
        yield RunningServer(int(line), directory)
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def self_signed(directory: Path, name: str = HOST) -> Certificate:
    """A certificate for one host name or IP address that nobody trusts who was not told to; good for a day."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    is_address = name.replace(".", "").isdigit()
    alternative = x509.IPAddress(ip_address(name)) if is_address else x509.DNSName(name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    files = Certificate(str(directory / f"{name}.pem"), str(directory / f"{name}.key"))
    Path(files.certificate).write_bytes(certificate.public_bytes(Encoding.PEM))
    Path(files.key).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


class _Handler:
    """What aiosmtpd asks: each answer is a reply."""

    def __init__(self, directory: Path, behaviour: Behaviour) -> None:
        self._directory = directory
        self._behaviour = behaviour

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self._behaviour.sender is not None:
            return self._behaviour.sender.format(address=address)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        await asyncio.sleep(self._behaviour.delay)
        if self._behaviour.recipient is not None:
            return self._behaviour.recipient.format(address=address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self._behaviour.data is not None:
            return self._behaviour.data.format(address=envelope.rcpt_tos[0])
        said = Envelope(
            envelope.mail_from, envelope.rcpt_tos, session.auth_data, session.ssl is not None or _is_secure(server)
        )
        name = f"{time.time_ns():020}"
        (self._directory / f"{name}.json").write_text(json.dumps(asdict(said)))
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(envelope.original_content)
        unfinished.rename(self._directory / f"{name}.eml")
        return "250 2.0.0 OK"


def _is_secure(server: Any) -> bool:
    return server.transport.get_extra_info("sslcontext") is not None


async def _serve(directory: Path, port: int, behaviour: Behaviour) -> None:
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

    def allowed(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert behaviour.login is not None
        user, password = (word.encode() for word in behaviour.login)
        if isinstance(given, LoginPassword) and (given.login, given.password) == (user, password):
            return AuthResult(success=True, auth_data=behaviour.login[0])
        return AuthResult(success=False, handled=False)

    tls = None
    if behaviour.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(behaviour.certificate.certificate, behaviour.certificate.key)
    loop = asyncio.get_running_loop()

    def conversation() -> SMTP:
        return SMTP(
            _Handler(directory, behaviour),
            hostname="mail.example",
            enable_SMTPUTF8=behaviour.utf8,
            tls_context=None if behaviour.implicit_tls else tls,
            authenticator=allowed if behaviour.login else None,
            auth_required=behaviour.login is not None,
            auth_require_tls=False,
            loop=loop,
        )

    server = await loop.create_server(conversation, HOST, port, ssl=tls if behaviour.implicit_tls else None)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


def _behaviour(options: dict[str, Any]) -> Behaviour:
    certificate, login = options.pop("certificate"), options.pop("login")
    return Behaviour(
        **options,
        certificate=Certificate(**certificate) if certificate else None,
        login=(login[0], login[1]) if login else None,
    )


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), _behaviour(json.loads(sys.argv[3]))))

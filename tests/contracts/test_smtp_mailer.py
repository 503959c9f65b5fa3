"""Handing mails to a mail server: which failures mend, what is sent over TLS only, and what nobody gets to see."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

import pytest

from adapters.mail.smtp import SmtpMailer, SmtpServer
from application.mail import Mail, Text
from domain.errors import Invalid, MoothallError, Unavailable
from tests.smtp_server import HOST, Behaviour, Certificate, self_signed, smtp_server

SENDER = Address("Moothall", "no-reply", "club.example")
MAIL = Mail(
    "0198-key",
    "ada@example.com",
    Text("Welcome", "Hello Ada\n", "<p>Hello Ada</p>\n"),
    datetime(2026, 5, 4, tzinfo=UTC),
)

# Where the server is.


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "starttls"),
    [
        ("smtp://mail.example", "mail.example", 25, None, "", None),
        ("smtp://mail.example:1025/", "mail.example", 1025, None, "", None),
        ("smtp://u:pa55@mail.example", "mail.example", 587, "u", "pa55", True),
        ("smtp://u:pa55@localhost:1025", "localhost", 1025, "u", "pa55", None),
        ("smtp://u:pa55@127.0.0.1", "127.0.0.1", 587, "u", "pa55", None),
        ("smtp://u:pa55@[::1]:25", "::1", 25, "u", "pa55", None),
        ("smtp+starttls://mail.example", "mail.example", 587, None, "", True),
        ("smtp+starttls://localhost:25", "localhost", 25, None, "", True),
        (
            "smtps://me%40mail.example:p%2F%3A%25%C3%BC@mail.example",
            "mail.example",
            465,
            "me@mail.example",
            "p/:%ü",
            False,
        ),
    ],
)
def test_a_url_says_where_the_server_is(
    url: str, host: str, port: int, user: str | None, password: str, starttls: bool | None
) -> None:
    server = SmtpServer.of(url)
    assert (server.host, server.port, server.user, server.password) == (host, port, user, password)
    assert server.starttls is starttls
    assert "pa55" not in repr(server) + str(server)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example:port",
        "smtp://mail.example:99999",
        "smtp://mail.example/inbox",
        "smtp://u:se/cret@mail.example",
        "smtp://u:se#cret@mail.example",
        "smtp://u:se[cret@mail.example",
    ],
)
def test_what_is_no_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp|URL") as refused:
        SmtpServer.of(url)
    assert "cret" not in str(refused.value)


# What the server says.

WILL_NOT_MEND = [
    Behaviour(recipient="550 5.1.1 <{address}>: no such mailbox"),
    Behaviour(recipient="550 no such user {address}"),
    Behaviour(recipient="552 5.2.2 mailbox full"),
    Behaviour(recipient="553 5.1.3 bad address syntax"),
    Behaviour(data="554 5.6.0 message refused for {address}"),
    Behaviour(data="550 5.7.1 looks like spam"),
    Behaviour(data="552 5.3.4 too big"),
]
MAY_MEND = [
    Behaviour(recipient="450 4.2.0 <{address}>: greylisted"),
    Behaviour(recipient="451 try later"),
    Behaviour(recipient="452 4.2.2 mailbox full"),
    Behaviour(recipient="421 4.3.2 going down"),
    Behaviour(recipient="554 5.7.1 <{address}>: relay access denied"),
    Behaviour(recipient="530 5.7.0 log in first"),
    Behaviour(recipient="503 5.5.1 log in first"),
    Behaviour(sender="550 5.1.8 <{address}>: sender rejected"),
    Behaviour(sender="451 4.3.0 later"),
    Behaviour(sender="530 5.7.0 log in first"),
    Behaviour(data="451 4.3.0 later for {address}"),
    Behaviour(data="421 4.3.2 going down"),
    Behaviour(login=("moot", "s3cret")),
]


def _mailer(url: str, *, timeout: float = 5, tls: ssl.SSLContext | None = None) -> SmtpMailer:
    return SmtpMailer(SmtpServer.of(url), sender=SENDER, timeout=timeout, tls=tls)


async def _failure(sending: Awaitable[None]) -> MoothallError:
    with pytest.raises((Unavailable, Invalid)) as failed:
        await sending
    expected = "mail-refused" if isinstance(failed.value, Invalid) else "mail-unavailable"
    assert failed.value.code == expected
    assert "ada@" not in f"{failed.value!r} {failed.value.__cause__!r}"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    return failed.value


@pytest.mark.parametrize("behaviour", WILL_NOT_MEND, ids=str)
async def test_a_refusal_of_the_recipient_or_the_message_is_for_good(tmp_path: Path, behaviour: Behaviour) -> None:
    with smtp_server(tmp_path, behaviour=behaviour) as server:
        assert isinstance(await _failure(_mailer(server.url).send(MAIL)), Invalid)
        assert server.messages() == []


@pytest.mark.parametrize("behaviour", MAY_MEND, ids=str)
async def test_everything_else_may_mend(tmp_path: Path, behaviour: Behaviour) -> None:
    with smtp_server(tmp_path, behaviour=behaviour) as server:
        assert isinstance(await _failure(_mailer(server.url).send(MAIL)), Unavailable)
        assert server.messages() == []


async def test_a_server_that_is_away_takes_the_mail_when_it_is_back(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as server:
        mailer = _mailer(server.url)
        await mailer.send(MAIL)
    error = await _failure(mailer.send(replace(MAIL, key="b")))
    assert isinstance(error, Unavailable)
    assert f"{HOST}:{server.port} cannot be reached" in str(error)
    with smtp_server(tmp_path, port=server.port):
        await mailer.send(replace(MAIL, key="b"))
    assert [str(message["Message-ID"]) for message in server.messages()] == [
        "<0198-key@club.example>",
        "<b@club.example>",
    ]


async def test_a_name_that_does_not_resolve_may_mend() -> None:
    assert isinstance(await _failure(_mailer("smtp://mail.invalid").send(MAIL)), Unavailable)


async def test_a_slow_server_is_not_waited_for_longer_than_was_set(tmp_path: Path) -> None:
    with smtp_server(tmp_path, behaviour=Behaviour(delay=30)) as server:
        started = asyncio.get_running_loop().time()
        error = await _failure(_mailer(server.url, timeout=0.3).send(MAIL))
        assert asyncio.get_running_loop().time() - started < 5
    assert isinstance(error, Unavailable)
    assert "did not answer in time" in str(error)


@contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as silent:
        yield silent.getsockname()[1]


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
async def test_a_server_that_says_nothing_is_not_waited_for(scheme: str) -> None:
    with _listening() as port:
        error = await _failure(_mailer(f"{scheme}://{HOST}:{port}", timeout=0.3).send(MAIL))
    assert isinstance(error, Unavailable)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"554 no mail here\r\n",
        b"421 busy\r\n",
        b"nonsense\r\n",
        b"220 hello\r\n500 what\r\n500 what\r\n",
        b"220 hello\r\n250 mail.example\r\n",
        b"\xff\xfe" * 5000 + b"\r\n",
    ],
    ids=str,
)
async def test_what_is_no_working_mail_server_may_mend(lines: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(lines)
        await asyncio.sleep(0.05)
        await _end(writer)

    async with _conversation(babble) as port:
        assert isinstance(await _failure(_mailer(f"smtp://{HOST}:{port}", timeout=0.5).send(MAIL)), Unavailable)


async def test_an_accepted_mail_is_not_sent_again_because_of_how_the_server_says_goodbye() -> None:
    taken: list[bytes] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
            if line.startswith(b"QUIT"):
                break
            writer.write(b"250 mail.example\r\n")
        await _end(writer)

    async with _conversation(rude) as port:
        await _mailer(f"smtp://{HOST}:{port}").send(MAIL)
    assert len(taken) == 1


async def test_many_at_once_all_arrive(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as server:
        mailer = _mailer(server.url)
        await asyncio.gather(*(mailer.send(replace(MAIL, key=f"{number}")) for number in range(30)))
        assert len(server.messages()) == 30


async def test_a_server_without_smtputf8_refuses_such_an_address_for_good(tmp_path: Path) -> None:
    with smtp_server(tmp_path, behaviour=Behaviour(utf8=False)) as server:
        await _mailer(server.url).send(replace(MAIL, to="ada@bücher.example"))
        error = await _failure(_mailer(server.url).send(replace(MAIL, to="jürgen@example.com")))
        assert isinstance(error, Invalid)
        assert server.envelopes()[0].recipients == ["ada@xn--bcher-kva.example"]
        assert len(server.messages()) == 1


async def test_nothing_is_logged_of_whom_or_what(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_server(tmp_path, behaviour=WILL_NOT_MEND[0]) as refusing:
        await _failure(_mailer(refusing.url).send(MAIL))
    with smtp_server(tmp_path) as server:
        await _mailer(server.url).send(MAIL)
    for private in ("ada", "Welcome", "Hello"):
        assert private not in caplog.text


# Passwords and TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.certificate)


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp", False), ("smtp+starttls", False), ("smtps", True)])
async def test_the_password_and_the_mail_are_sent_over_tls(
    tmp_path: Path, certificate: Certificate, trusting: ssl.SSLContext, scheme: str, implicit: bool
) -> None:
    behaviour = Behaviour(certificate=certificate, implicit_tls=implicit, login=("me@mail.example", "p/:%@ü"))
    with smtp_server(tmp_path, behaviour=behaviour) as server:
        url = f"{scheme}://me%40mail.example:p%2F%3A%25%40%C3%BC@{HOST}:{server.port}"
        await _mailer(url, tls=trusting).check()
        await _mailer(url, tls=trusting).send(MAIL)
        [envelope] = server.envelopes()
    assert (envelope.user, envelope.tls) == ("me@mail.example", True)
    assert (envelope.sender, envelope.recipients) == ("no-reply@club.example", ["ada@example.com"])


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+starttls", False), ("smtps", True)])
async def test_a_certificate_that_is_not_trusted_ends_it(
    tmp_path: Path, certificate: Certificate, scheme: str, implicit: bool
) -> None:
    behaviour = Behaviour(certificate=certificate, implicit_tls=implicit)
    with smtp_server(tmp_path, behaviour=behaviour) as server:
        error = await _failure(_mailer(f"{scheme}://{HOST}:{server.port}").send(MAIL))
        assert server.messages() == []
    assert isinstance(error, Unavailable)
    assert "not trusted" in str(error)


async def test_a_certificate_for_another_name_ends_it(tmp_path: Path) -> None:
    other = self_signed(tmp_path, "mail.example")
    tls = ssl.create_default_context(cafile=other.certificate)
    with smtp_server(tmp_path / "mails", behaviour=Behaviour(certificate=other)) as server:
        error = await _failure(_mailer(f"smtp+starttls://{HOST}:{server.port}", tls=tls).send(MAIL))
    assert isinstance(error, Unavailable)
    assert "not trusted" in str(error)


async def test_starttls_that_is_required_and_not_offered_ends_it(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as server:
        error = await _failure(_mailer(f"smtp+starttls://{HOST}:{server.port}").send(MAIL))
        assert server.messages() == []
    assert isinstance(error, Unavailable)
    assert "STARTTLS" in str(error)


async def test_a_password_is_never_sent_in_the_clear_to_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is this machine's for the resolver, but nobody told the mailer that it is."""
    lookup = socket.getaddrinfo

    def here(host: str, *rest: object, **options: object) -> object:
        return lookup(HOST if host == "mail.example" else host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with smtp_server(tmp_path, behaviour=Behaviour(login=("moot", "s3cret"))) as server:
        error = await _failure(_mailer(f"smtp://moot:s3cret@mail.example:{server.port}").send(MAIL))
        assert isinstance(error, Unavailable)
        assert "STARTTLS" in str(error)
        await _mailer(f"smtp://moot:s3cret@{HOST}:{server.port}").send(MAIL)
        assert [envelope.user for envelope in server.envelopes()] == ["moot"]


async def test_starttls_is_used_on_this_machine_whatever_the_certificate_says(
    tmp_path: Path, certificate: Certificate
) -> None:
    with smtp_server(tmp_path, behaviour=Behaviour(certificate=certificate)) as server:
        await _mailer(server.url).send(MAIL)
        assert [envelope.tls for envelope in server.envelopes()] == [True]


async def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    with smtp_server(tmp_path, behaviour=Behaviour(login=("moot", "s3cret"))) as server:
        error = await _failure(_mailer(f"smtp://moot:wr0ng@{HOST}:{server.port}").check())
    assert isinstance(error, Unavailable)
    assert "refused the user or the password (535" in str(error)
    assert "wr0ng" not in str(error)


async def test_a_check_sends_nothing(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as server:
        await _mailer(server.url).check()
        assert server.messages() == []
    with pytest.raises(Unavailable):
        await _mailer(server.url).check()


@asynccontextmanager
async def _conversation(
    hold: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[object, object, None]],
) -> AsyncIterator[int]:
    """A server that holds it with each client, to its end; its port."""
    held: list[asyncio.Task[None]] = []

    async def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(asyncio.ensure_future(hold(reader, writer)))

    async with await asyncio.start_server(start, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*held)


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
